/// The C++17 face of comptask-upgrade: header-only, over the C ABI in comptask_upgrade.h.
///
/// One move-only class a handle, each freed by its destructor. A call that fails throws Error; Session::Run and
/// Job::Wait alone hand their error back, because a run whose tasks failed has an error and a report. What a host
/// supplies is an object of a class derived from StorageHost, LockHost, CatalogHost, LivenessHost or CodecHost, kept
/// alive by a shared_ptr for as long as the library may call it.
///
///     comptask_upgrade::Config config;
///     config.SetRoot("/data/cluster.compact").SetCatalogFile("catalog.json").AssumeOffline();
///     comptask_upgrade::Session session(config);
///     auto result = session.Run(comptask_upgrade::Operation::kUpgrade);
///     if (result.report) std::cout << result.report->summary();
///     result.ThrowIfFailed();
#ifndef COMPTASK_UPGRADE_HPP_
#define COMPTASK_UPGRADE_HPP_

#include "comptask_upgrade/codes.hpp"
#include "comptask_upgrade/config.hpp"
#include "comptask_upgrade/error.hpp"
#include "comptask_upgrade/host.hpp"
#include "comptask_upgrade/job.hpp"
#include "comptask_upgrade/language.hpp"
#include "comptask_upgrade/report.hpp"
#include "comptask_upgrade/run_options.hpp"
#include "comptask_upgrade/session.hpp"
#include "comptask_upgrade/task.hpp"

#endif  // COMPTASK_UPGRADE_HPP_
