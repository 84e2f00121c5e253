import java.io.InputStream;
import java.io.OutputStream;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * What the upgrade takes as the seed draws it: one task after the other, by Hadoop's own client as it comes.
 *
 * <p>For each task: read the V1 file, create its mark, create its manager file where it is open, make its folder in
 * Scheduler, create TaskInfo in it with the bytes that were read, create Status, rename the mark. The bytes are not
 * converted, since the codec is not what is measured, and nothing is done for a crash: no lock, no staging, no manifest.
 *
 * <p>Usage: java -cp ... PlainClient.java hdfs://host:port/root TASKS. It prints its seconds without the start of the JVM
 * and its first connections, for which one file is made and removed before.
 */
public final class PlainClient {
  private static final String NODE = "xcloud24_9876";

  public static void main(String[] arguments) throws Exception {
    Path root = new Path(arguments[0]);
    int limit = Integer.parseInt(arguments[1]);
    try (FileSystem files = FileSystem.get(root.toUri(), new Configuration())) {
      create(files, new Path(root, "warm"), new byte[] {1});
      files.delete(new Path(root, "warm"), false);

      long begun = System.nanoTime();
      int tasks = upgrade(files, root, limit);
      double seconds = (System.nanoTime() - begun) / 1e9;
      System.out.printf(Locale.ROOT, "%d tasks in %.6f s%n", tasks, seconds);
    }
  }

  private static int upgrade(FileSystem files, Path root, int limit) throws Exception {
    Path v2 = new Path(root, "Compaction_V2");
    Path marks = new Path(v2, "Taskupgrade");
    Path managers = new Path(v2, "TaskAssigned/" + NODE);
    files.mkdirs(marks);
    files.mkdirs(managers);
    int tasks = 0;
    for (FileStatus status : files.listStatus(new Path(root, "Compaction/Scheduler"))) {
      if (tasks == limit) {
        break;
      }
      String name = status.getPath().getName();
      boolean isOpen = !name.endsWith(".Done");
      String base = isOpen ? name : name.substring(0, name.length() - ".Done".length());

      byte[] bytes;
      try (InputStream in = files.open(status.getPath())) {
        bytes = in.readAllBytes();
      }
      Path mark = new Path(marks, base + "." + NODE);
      create(files, mark, new byte[0]);
      if (isOpen) {
        create(files, new Path(managers, "Manager." + base), new byte[0]);
      }
      Path task = new Path(v2, "Scheduler/" + base);
      files.mkdirs(task);
      create(files, new Path(task, "TaskInfo.pc1.sales"), bytes);
      create(files, new Path(task, isOpen ? "Status.Init" : "Status.Done"), new byte[0]);
      if (!files.rename(mark, new Path(marks, base + ".upgrade"))) {
        throw new IllegalStateException("the mark of " + base + " cannot be renamed");
      }
      tasks++;
    }
    return tasks;
  }

  private static void create(FileSystem files, Path path, byte[] bytes) throws Exception {
    try (OutputStream out = files.create(path)) {
      out.write(bytes);
    }
  }
}
