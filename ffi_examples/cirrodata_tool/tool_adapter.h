// ToolAdapter: what every tool of cirrodata-tool is to ToolDispatch.
#ifndef CIRRODATA_TOOL_TOOL_ADAPTER_H_
#define CIRRODATA_TOOL_TOOL_ADAPTER_H_

namespace cirrodata_tool {

/// A tool. Each step reports its failure by throwing; Release runs however the other two end.
class ToolAdapter {
 public:
  ToolAdapter() = default;
  ToolAdapter(const ToolAdapter&) = delete;
  ToolAdapter& operator=(const ToolAdapter&) = delete;
  virtual ~ToolAdapter() = default;

  /// Gets hold of all that the tool needs.
  virtual void Init() = 0;
  /// Does the work.
  virtual void Excu() = 0;
  /// Gives back what Init got hold of, as far as it came.
  virtual void Release() = 0;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_TOOL_ADAPTER_H_
