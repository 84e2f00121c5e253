//! The bare limit: files of the size of a `TaskInfo`, created, filled and closed in one folder, and nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::{Codec, DefaultCodec};
use hdfs_native::{Client, ClientBuilder, HdfsError, WriteOptions};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::support::v1_files::{v1_task, v2_task};

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
        let v2 = v2_task(&v1, "0123456789abcdef.0.0", StateV2::Init, "pc1", "xcloud24_9876");
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
    Box::pin(writer.write_bytes(bytes)).await?;
    Box::pin(writer.close()).await
}
