# Makes of what demo_hdfs.sh prints what demo.sh prints for the same steps, so that one expected output serves both.
s#--root hdfs://127\.0\.0\.1:[0-9]+/cluster\.compact --zookeeper 127\.0\.0\.1:[0-9]+#--root cluster.compact#
s#--zookeeper-registry-path /cirrodata/pu#--online-nodes online-nodes.txt#
s#^(  root      )HDFS hdfs://127\.0\.0\.1:[0-9]+/cluster\.compact \(hdfs-native\)$#\1local disk cluster.compact#
s#^(cluster\.compact +)HDFS hdfs://127\.0\.0\.1:[0-9]+/cluster\.compact \(hdfs-native\)$#\1local disk cluster.compact#
