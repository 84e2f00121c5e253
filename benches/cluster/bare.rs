//! The bare limits: files of the size of a `TaskInfo`, created, filled and closed in one folder, and nothing else; and the
//! requests that a task's names need whoever makes them, with nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use comptask_upgrade::layout::{self, V1Name};
use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::tree::TreePath;
use comptask_upgrade::{Codec, DefaultCodec};
use hdfs_native::{Client, ClientBuilder, HdfsError, WriteOptions};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::support::v1_files::{v1_task, v2_task};

/// The node of every open task.
const NODE: &str = "xcloud24_9876";

/// The client without a JVM, as it is without the library.
pub struct Bare {
    runtime: Runtime,
    client: Arc<Client>,
    bytes: Bytes,
}

impl Bare {
    /// On a cluster, with as many threads as the library gives the same client, and no configuration but its own.
    pub fn open(uri: &str) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let builder = ClientBuilder::new().with_url(uri).with_config_dir("/dev/null");
        let client = builder.with_io_runtime(runtime.handle().clone()).build().unwrap();
        let v1 = v1_task("pu_1", 0, 1_650_000_000_000, StateV1::Init, ("sales", "eu"));
        let v2 = v2_task(&v1, "0123456789abcdef.0.0", StateV2::Init, "pc1", NODE);
        let bytes = DefaultCodec.encode_v2(&v2).unwrap().into();
        Self { runtime, client: Arc::new(client), bytes }
    }

    /// How many bytes each file gets.
    pub fn file_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The time that so many files take, with so many under way at a time, and why some of them failed.
    pub fn measure(&self, folder: &str, files: u64, in_flight: usize) -> (Duration, Vec<HdfsError>) {
        self.runtime.block_on(async {
            self.client.mkdirs(folder, 0o755, true).await.unwrap();
            let begun = Instant::now();
            let failed = self.make(folder, files, in_flight).await;
            (begun.elapsed(), failed)
        })
    }

    /// The time that the requests of an UPGRADE take for these V1 files of a root, with so many tasks under way at a time:
    /// each file read, its mark, manager, folder and two files made and the two renames done, one after the other. No
    /// lock, no listing, no part, no manifest, and no task waits for another.
    pub fn measure_tasks(&self, root: &str, v1_names: &[String], in_flight: usize) -> Duration {
        self.runtime.block_on(async {
            for folder in [layout::upgrading(), layout::node_folder(NODE), layout::v2_scheduler(), layout::staging()] {
                self.client.mkdirs(&format!("{root}/{folder}"), 0o755, true).await.unwrap();
            }
            let begun = Instant::now();
            let mut running: JoinSet<hdfs_native::Result<()>> = JoinSet::new();
            for name in v1_names {
                if running.len() >= in_flight {
                    running.join_next().await.unwrap().unwrap().unwrap();
                }
                let (client, bytes) = (Arc::clone(&self.client), self.bytes.clone());
                running.spawn(one_task(client, root.to_owned(), name.clone(), bytes));
            }
            while let Some(made) = running.join_next().await {
                made.unwrap().unwrap();
            }
            begun.elapsed()
        })
    }

    async fn make(&self, folder: &str, files: u64, in_flight: usize) -> Vec<HdfsError> {
        let mut running = JoinSet::new();
        let (mut failed, mut begun) = (Vec::new(), 0);
        loop {
            while begun < files && running.len() < in_flight {
                let (client, bytes) = (Arc::clone(&self.client), self.bytes.clone());
                running.spawn(one(client, format!("{folder}/{begun}"), bytes));
                begun += 1;
            }
            match running.join_next().await {
                Some(made) => failed.extend(made.unwrap().err()),
                None => return failed,
            }
        }
    }
}

async fn one(client: Arc<Client>, path: String, bytes: Bytes) -> hdfs_native::Result<()> {
    // As the library makes a file: the NameNode reserves a whole block for every open one, so a small block.
    let options = WriteOptions::default().overwrite(false).create_parent(false).permission(0o644).block_size(1 << 20);
    let mut writer = client.create(&path, options).await?;
    if !bytes.is_empty() {
        Box::pin(writer.write_bytes(bytes)).await?;
    }
    Box::pin(writer.close()).await
}

async fn one_task(client: Arc<Client>, root: String, v1_name: String, bytes: Bytes) -> hdfs_native::Result<()> {
    let at = |path: TreePath| format!("{root}/{path}");
    let name = V1Name::parse(&v1_name).unwrap();
    let (base, id, state) = (name.base.to_string(), name.base.v2_id(0).unwrap(), name.state.upgraded());
    let reader = client.read(&at(layout::v1_scheduler().join(&v1_name))).await?;
    reader.read_range(0, reader.file_length()).await?;
    let mark = at(layout::mark_in_progress(&base, NODE));
    one(Arc::clone(&client), mark.clone(), Bytes::new()).await?;
    if state.is_open() {
        one(Arc::clone(&client), at(layout::manager(NODE, &id)), Bytes::new()).await?;
    }
    let staged = at(layout::staging().join(&id.to_string()));
    client.mkdirs(&staged, 0o755, true).await?;
    let status = format!("{staged}/{}", layout::status_name(state));
    let status = tokio::spawn(one(Arc::clone(&client), status, Bytes::new()));
    let info = format!("{staged}/{}", layout::task_info_name("pc1", "sales").unwrap());
    one(Arc::clone(&client), info, bytes).await?;
    status.await.unwrap()?;
    client.rename(&staged, &at(layout::main_task(&id)), false).await?;
    client.rename(&mark, &at(layout::mark_upgraded(&base)), false).await
}
