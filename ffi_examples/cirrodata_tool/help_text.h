// The part of --help that is more than a list of options.
#ifndef CIRRODATA_TOOL_HELP_TEXT_H_
#define CIRRODATA_TOOL_HELP_TEXT_H_

namespace cirrodata_tool {

/// Operations, exit codes and examples of comptask-upgrade. A line that does not begin with a blank and ends in a colon
/// is a heading.
inline constexpr const char* kComptaskUpgradeHelpEnglish = R"(Operations:
  status    says what there is, how far an upgrade has come and what to do next;
            changes nothing
  upgrade   turns every V1 task into a V2 task and leaves V1 as it is; needs
            --catalog, and a word about the nodes: --online-nodes,
            --zookeeper-registry-path, --assume-offline or --online;
            interrupted, it goes on where it stopped when it is started again
  recovery  goes back to V1, the way that --mode says; needs a word about the
            nodes, but not --online, where there is something to go back from
  delete    removes the V1 tree after a complete upgrade, and with it every way
            back to the old files

Ways back (recovery --mode):
  auto           cancel where that is possible, else refused with the choice
  cancel         as if the upgrade had never been; only while no node has
                 started since and nothing was changed
  downgrade_old  the old files as they are; what happened in V2 is lost, and
                 where anything is, it needs --force
  downgrade      V2 tasks become V1 tasks with what happened since, also after
                 delete

How tasks are placed (upgrade --placement):
  schema                a process group that the task's schema may use
  entry-node            the process group of the node that received the task;
                        where that is no longer installed it becomes Cancel
  entry-node-or-schema  the same, but where that is no longer installed it is
                        placed by its schema

Trees on a cluster (--root hdfs://host:port/path, hdfs://name-service/path):
  They need --zookeeper, for the lock that all runs on the tree share. With it
  the lock of a local root is in ZooKeeper too, and not on the disk: every run
  on a tree must name the same ZooKeeper and the same --zookeeper-lock-path.
  --zookeeper-registry-path asks the PU registry which nodes are up, and stands
  for --online-nodes. A password is given by --zookeeper-digest-file only.
  status and --plan take no lock and do not ask ZooKeeper for it.

What is shown and kept:
  The report goes to stdout, everything else to stderr; on a terminal with a
  progress bar, elsewhere by a line now and then. --plan takes no lock and goes
  through while nodes are up; it lists the tasks as a table, those first that
  would fail or be lost.
  --log-file appends to a file that it makes for its owner alone: each line with
  time, level and the part that speaks, info at least, in English; the error
  that ended the run and the exit code are in it. A file that is there must be
  empty or such a log. No two options may name one file, nor may either file
  lie below the root.
  --report-file keeps the JSON report, or the error where there was no report.
  It is written beside the file and then renamed. A report replaces an empty
  file, an error and a report, that of another operation too; an error never
  replaces a report. Any other file is refused.
  --color auto colours on a terminal, unless NO_COLOR is set or TERM is dumb.
  The language is that of --language, else of LC_ALL, LC_MESSAGES or LANG: zh
  is Chinese, in UTF-8. JSON and the log file are in English.
  Where stderr says that the operation succeeded and only its report could not
  be written, the exit code is that of the report.

Configuration file (--config FILE):
  One option a line, as KEY = VALUE with the name of the option without its
  dashes: root = "/data/cluster.compact". Flags are true or false, verbose is 1
  or 2, hdfs-option and zookeeper-option take a list: ["a=b", "c=d"]. A text
  with blanks, commas or # needs quotes. # begins a remark.
  The command line wins, also where an option of the file excludes one of it.
  What means nothing to the operation is left out, so that one file serves all.
  --force, --assume-offline, --online and --reopen are a word about one run and
  never in it. That a file is used is a line on stderr.
  The operation itself, --config and --help are for the command line alone. An
  unknown key is refused. A password is never in it: zookeeper-digest-file
  names the file that has it.

Ctrl-C:
  The first Ctrl-C ends the run between two waves of changes, a second one at
  once; neither harms the trees, and the same command goes on from there.

Exit codes:
   0  success                        30  not found
   1  bad usage                      31  already exists
   2  unsupported                    32  permission denied
   3  busy                           33  no space left
   4  cancelled                      34  the storage cannot serve now
   5  defect of the tool             35  outcome of a change unknown
  10  nodes are online               36  storage error
  11  locked by another run          37  catalog error
  12  lock lost in mid-run           38  liveness error
  13  refused in this phase          39  lock service error
  14  new V1 tasks after the end     40  too large
  20  some tasks failed              41  folder not empty
  21  damaged
  22  corrupt

Examples:
  cirrodata-tool comptask-upgrade status --root /data/cluster.compact
  cirrodata-tool comptask-upgrade upgrade --root /data/cluster.compact \
      --catalog catalog.json --online-nodes online-nodes.txt --plan
  cirrodata-tool comptask-upgrade upgrade --root /data/cluster.compact \
      --catalog catalog.json --online-nodes online-nodes.txt --json
  cirrodata-tool comptask-upgrade recovery --root /data/cluster.compact \
      --online-nodes online-nodes.txt --mode cancel --plan
  cirrodata-tool comptask-upgrade delete --root /data/cluster.compact
  cirrodata-tool comptask-upgrade upgrade \
      --root hdfs://name-service/cirrodata/cluster.compact \
      --hdfs-option conf_dir=/etc/hadoop/conf --catalog catalog.json \
      --zookeeper zk1:2181,zk2:2181,zk3:2181 \
      --zookeeper-registry-path /cirrodata/pu
  cirrodata-tool comptask-upgrade upgrade --config night.toml \
      --log-file upgrade.log --report-file upgrade.json
)";

/// The same in Chinese.
inline constexpr const char* kComptaskUpgradeHelpChinese = R"(操作：
  status    查看现状：有哪些任务、升级进行到哪一步、下一步做什么；不改变任何内容
  upgrade   升级：每个旧任务（V1）成为新任务（V2），V1 保持原样；需要 --catalog，
            以及关于节点的说明：--online-nodes、--zookeeper-registry-path、
            --assume-offline 或 --online；中断后再次启动，从中断处继续
  recovery  回退到 V1，方式由 --mode 指定；有可回退的内容时，需要关于节点的说明，
            但不能是 --online
  delete    完整升级之后删除 V1 目录树，从此不能再回到旧文件

回退方式（recovery --mode）：
  auto           能取消升级则取消，否则拒绝并说明可选方式
  cancel         取消升级，如同从未升级；仅当此后没有节点启动、内容没有改变时可用
  downgrade_old  按原样使用旧文件；V2 中发生的变化会丢失，若有丢失则需要 --force
  downgrade      降级：V2 任务连同其变化转换回 V1 任务，delete 之后也可用

任务如何放置（upgrade --placement）：
  schema                任务的 schema 可用的一个进程组
  entry-node            接收任务的节点所属的进程组；若该节点已不存在，任务变为
                        Cancel
  entry-node-or-schema  同上，但若该节点已不存在，则按 schema 放置

集群上的目录树（--root hdfs://host:port/path、hdfs://name-service/path）：
  需要 --zookeeper，因为同一目录树上的所有运行共用一把锁。给出它之后，本地根目录
  的锁也在 ZooKeeper 中而不在磁盘上：同一目录树上的每次运行必须指定同一个
  ZooKeeper 和同一个 --zookeeper-lock-path。
  --zookeeper-registry-path 向 PU 注册表询问哪些节点在线，代替 --online-nodes。
  密码只能由 --zookeeper-digest-file 给出。
  status 与 --plan 不加锁，也不为锁访问 ZooKeeper。

显示与记录：
  报告输出到标准输出，其余输出到标准错误；在终端上显示进度条，其他情况下不时输出
  一行。--plan 不加锁，节点在线时也能运行；它用表格列出任务，会失败或会丢失的排在
  前面。
  --log-file 将日志追加到文件，新建的文件只有属主可读：每行有时间、级别和来源，
  至少为 info 级，内容为英文；结束运行的错误和退出码也在其中。
  已存在的文件必须为空或是这种日志。各选项不能指定同一个文件，这两个文件也不能在
  根目录之下。
  --report-file 保存 JSON 报告；没有报告时保存错误。先写到旁边的文件再改名。报告会
  替换空文件、错误和报告（包括其他操作的报告）；错误不会替换报告。其他文件会被拒绝。
  --color auto 在终端上使用颜色，除非设置了 NO_COLOR 或 TERM 为 dumb。
  语言由 --language 决定，否则由 LC_ALL、LC_MESSAGES 或 LANG 决定：zh 为中文
  （UTF-8）。JSON 与日志文件为英文。
  若标准错误说明操作已成功、只是报告未能写出，则退出码是写报告时的错误。

配置文件（--config FILE）：
  每行一个选项，写作 KEY = VALUE，KEY 是不带短横线的选项名：
  root = "/data/cluster.compact"。开关为 true 或 false，verbose 为 1 或 2，
  hdfs-option 与 zookeeper-option 用列表：["a=b", "c=d"]。含空格、逗号或 # 的文本
  需要引号。# 开始注释。
  以命令行为准，文件中的选项与命令行冲突时也是如此。对操作没有意义的选项被忽略，
  因此一个文件可用于所有操作。操作本身、--config 和 --help 只能用于命令行。未知的
  键会被拒绝。密码不写在其中：zookeeper-digest-file 指定存放密码的文件。
  --force、--assume-offline、--online 和 --reopen 是对某一次运行的确认，不能写在其中。
  使用配置文件时，标准错误上会有一行说明。

Ctrl-C：
  第一次 Ctrl-C 在两批更改之间结束运行，第二次立即结束；两者都不会损坏目录树，
  再次执行同一命令即从中断处继续。

退出码：
   0  成功                           30  未找到
   1  参数无效                       31  已存在
   2  不支持                         32  权限不足
   3  忙                             33  存储空间不足
   4  已停止                         34  稍后重试
   5  内部错误                       35  结果未知
  10  有节点在线                     36  存储错误
  11  已被锁定                       37  catalog 错误
  12  锁已丢失                       38  节点在线判断错误
  13  拒绝                           39  锁服务错误
  14  出现新的 V1 任务               40  过大
  20  部分任务失败                   41  文件夹非空
  21  已损坏
  22  内容损坏

示例：
  cirrodata-tool comptask-upgrade status --root /data/cluster.compact
  cirrodata-tool comptask-upgrade upgrade --root /data/cluster.compact \
      --catalog catalog.json --online-nodes online-nodes.txt --plan
  cirrodata-tool comptask-upgrade upgrade --root /data/cluster.compact \
      --catalog catalog.json --online-nodes online-nodes.txt --json
  cirrodata-tool comptask-upgrade recovery --root /data/cluster.compact \
      --online-nodes online-nodes.txt --mode cancel --plan
  cirrodata-tool comptask-upgrade delete --root /data/cluster.compact
  cirrodata-tool comptask-upgrade upgrade \
      --root hdfs://name-service/cirrodata/cluster.compact \
      --hdfs-option conf_dir=/etc/hadoop/conf --catalog catalog.json \
      --zookeeper zk1:2181,zk2:2181,zk3:2181 \
      --zookeeper-registry-path /cirrodata/pu
  cirrodata-tool comptask-upgrade upgrade --config night.toml \
      --log-file upgrade.log --report-file upgrade.json
)";

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_HELP_TEXT_H_
