// The C++ header needs nothing before it, and may be included twice.
#include <type_traits>

#include "comptask_upgrade.hpp"
#include "comptask_upgrade.hpp"  // NOLINT(readability-duplicate-include)

namespace ctu = comptask_upgrade;

template <typename Handle>
constexpr bool kMovesOnly = std::is_nothrow_move_constructible_v<Handle>&& std::is_nothrow_move_assignable_v<Handle> &&
                            !std::is_copy_constructible_v<Handle> && !std::is_copy_assignable_v<Handle>;

static_assert(kMovesOnly<ctu::Buffer> && kMovesOnly<ctu::Config> && kMovesOnly<ctu::Session> &&
                  kMovesOnly<ctu::Report> && kMovesOnly<ctu::Task> && kMovesOnly<ctu::Job>,
              "a handle is moved, never copied");
static_assert(std::is_nothrow_copy_constructible_v<ctu::Error>, "an exception is copied without a chance to throw");
