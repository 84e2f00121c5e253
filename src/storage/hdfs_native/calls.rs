//! One call at a time: what is sent, and what its answer means.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hdfs_native::client::{FileStatus, ListStatusIterator};
use hdfs_native::{Client, HdfsError, WriteOptions};
use parking_lot::Mutex;

use super::super::hdfs::answers::{
    no_folder, removed, settled, taken_back, taking_back, too_large, Failure, Page, MOMENT, PAGE,
};
use super::super::hdfs::batch::{Answer, Setback};
use super::super::hdfs::{absolute, PROBE};
use crate::error::{Error, ErrorKind, Result};
use crate::tree::{Change, Entry, Kind, Stat, TreePath};

/// The client on a root.
pub(super) struct Calls {
    pub(super) client: Client,
    /// The root's absolute path; empty for `/`, so that a child is always it, a `/` and the rest.
    pub(super) root: String,
    pub(super) timeout: Duration,
    pub(super) write: WriteOptions,
    pub(super) folder_mode: u32,
    /// Whether DataNodes are spoken to without a proof, under Kerberos: those that want one just end the connection.
    pub(super) unproven: bool,
}

/// A listing that goes on: the client's place in it, and the last name handed over, by which a new one takes it up.
pub(super) struct Listing {
    place: Option<ListStatusIterator>,
    last: Option<String>,
}

impl Calls {
    fn absolute(&self, path: &TreePath) -> Result<String> {
        absolute(&self.root, path)
    }

    /// A call with its own deadline. One that runs out is a lost reply: it may have been carried out, and may be yet.
    async fn timed<T>(&self, call: impl Future<Output = hdfs_native::Result<T>>) -> hdfs_native::Result<T> {
        tokio::time::timeout(self.timeout, call).await.unwrap_or_else(|_| {
            let text = format!("no answer within {} ms", self.timeout.as_millis());
            Err(HdfsError::IOError(std::io::Error::new(std::io::ErrorKind::TimedOut, text)))
        })
    }

    pub(super) async fn stat(self: Arc<Self>, path: TreePath) -> Answer<Stat> {
        let at = self.absolute(&path)?;
        match self.timed(self.client.get_file_info(&at)).await {
            Ok(status) => Ok(stat_of(&status)),
            Err(failed) if failed.is_link() => self.stat_link(&path, &at, &failed).await,
            Err(failed) => Err(failed.of_read("it cannot be looked at", &path)),
        }
    }

    /// The client has no call that looks at a link itself, so the listing of its folder tells whether it is this one.
    async fn stat_link(&self, path: &TreePath, at: &str, link: &HdfsError) -> Answer<Stat> {
        let folder = at.rsplit_once('/').map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder });
        let listing = self.client.list_status_iter(folder, false);
        loop {
            match self.timed(async { listing.next().await.transpose() }).await {
                Ok(Some(status)) if status.path == at => return Ok(stat_of(&status)),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(failed) if failed.is_link() => break,
                Err(failed) => return Err(failed.of_read("it cannot be looked at", path)),
            }
        }
        Err(link.error(ErrorKind::Refused, "a folder above it is a link").at(path).into())
    }

    pub(super) async fn read(self: Arc<Self>, path: TreePath, limit_bytes: u64) -> Answer<Vec<u8>> {
        let at = self.absolute(&path)?;
        let what = "it cannot be read";
        let opened = self.timed(self.client.read(&at)).await;
        let reader = opened.map_err(|failed| failed.of_read(what, &path))?;
        let length = reader.file_length();
        if length as u64 > limit_bytes {
            return Err(too_large(limit_bytes, &path));
        }
        match self.timed(reader.read_range(0, length)).await {
            Ok(bytes) if bytes.len() == length => Ok(Vec::from(bytes)),
            Ok(bytes) => {
                let text = format!("{} of its {length} bytes came", bytes.len());
                Err(Setback::Again(Error::new(ErrorKind::Storage, text).at(&path)))
            }
            // Another look at its blocks may find a DataNode that has them.
            Err(failed) => Err(Setback::Again(self.of_bytes(failed.error(ErrorKind::Storage, what).at(&path)))),
        }
    }

    /// An error of a DataNode, and what to look at where it may want a proof.
    fn of_bytes(&self, error: Error) -> Error {
        if self.unproven && error.kind() == ErrorKind::Storage {
            return error.advise("set dfs.data.transfer.protection as the DataNodes have it, or see in their log why");
        }
        error
    }

    /// The next piece of a listing.
    pub(super) async fn page(self: Arc<Self>, folder: TreePath, listing: Arc<Mutex<Listing>>) -> Answer<Page> {
        let at = self.absolute(&folder)?;
        let (place, after) = {
            let mut listing = listing.lock();
            let taken = listing.place.take();
            let after = if taken.is_none() { listing.last.clone() } else { None };
            (taken.unwrap_or_else(|| self.client.list_status_iter(&at, false)), after)
        };
        let mut page = Page { entries: Vec::new(), is_last: false };
        while page.entries.len() < PAGE {
            match self.timed(async { place.next().await.transpose() }).await {
                Ok(Some(status)) if status.path == at => return Err(no_folder(&folder)),
                Ok(Some(status)) => {
                    let name = status.path.rsplit_once('/').map_or("", |(_, name)| name);
                    // A listing begun anew after a failure leaves out what was handed over before it.
                    if after.as_deref().is_none_or(|last| comes_after(name, last)) {
                        page.entries.push(Entry { name: name.to_owned(), exact: true, stat: stat_of(&status) });
                    }
                }
                Ok(None) => {
                    page.is_last = true;
                    break;
                }
                Err(failed) => return Err(failed.of_read("the folder cannot be listed", &folder)),
            }
        }
        let mut listing = listing.lock();
        if let Some(last) = page.entries.last() {
            listing.last = Some(last.name.clone());
        }
        listing.place = Some(place);
        Ok(page)
    }

    /// Carries a change out.
    pub(super) async fn change(self: Arc<Self>, change: Change) -> Answer<()> {
        let at = self.absolute(change.path())?;
        if let Some(answer) = settled(&change) {
            return answer;
        }
        match change {
            Change::Create { path, bytes } => Box::pin(self.create(&path, &at, Bytes::from(bytes))).await,
            Change::MakeFolder { path } => {
                let made = self.timed(self.client.mkdirs(&at, self.folder_mode, true)).await;
                made.map_err(|failed| failed.of_folder(&path))
            }
            Change::Rename { from, to } => self.rename(&from, &to, &at).await,
            Change::Remove { path, recursive } => removed(self.timed(self.client.delete(&at, recursive)).await, &path),
        }
    }

    async fn create(&self, path: &TreePath, at: &str, bytes: Bytes) -> Answer<()> {
        let what = "it cannot be made";
        let mut writer = match self.timed(self.client.create(at, &self.write)).await {
            Ok(writer) => writer,
            // The client finds that it cannot encrypt only after the name is made.
            Err(failed @ HdfsError::UnsupportedFeature(_)) => {
                let error = failed.error(ErrorKind::Unsupported, what).at(path);
                return Err(Setback::Clear { error, again: false });
            }
            Err(failed) => return Err(failed.of_change(what, path)),
        };
        // From here on the file is there and ours: whatever fails, it goes again before the change counts as not made.
        let written = self.timed(async {
            if !bytes.is_empty() {
                Box::pin(writer.write_bytes(bytes)).await?;
            }
            Box::pin(writer.close()).await
        });
        written.await.map_err(|failed| {
            let (error, again) = failed.of_filling(&[ErrorKind::Quota, ErrorKind::Permission], path);
            Setback::Clear { error: self.of_bytes(error), again }
        })
    }

    /// Takes back a file that was made and could not be filled; fine if it is gone. Where it is made anew, the
    /// DataNodes get a moment first: here, and not between the fence's leave and the change.
    pub(super) async fn clear(self: Arc<Self>, change: Change, again: bool) -> Answer<()> {
        taken_back(Box::pin(Arc::clone(&self).change(taking_back(&change))).await)?;
        if again {
            tokio::time::sleep(MOMENT).await;
        }
        Ok(())
    }

    async fn rename(&self, from: &TreePath, to: &TreePath, target: &str) -> Answer<()> {
        let source = self.absolute(from)?;
        let Err(failed) = self.timed(self.client.rename(&source, target, false)).await else { return Ok(()) };
        let is_taken = failed.asks_for_a_look() && self.timed(self.client.get_file_info(target)).await.is_ok();
        Err(failed.of_rename(from, to, is_taken))
    }

    /// Whether names can be made in a folder: the NameNode checks the rights for a rename before it looks for the
    /// source, and this one, of a name to itself, can change nothing whatever it finds.
    pub(super) async fn probe(self: Arc<Self>, folder: TreePath) -> Answer<()> {
        let at = self.absolute(&folder.join(PROBE))?;
        let renamed = self.timed(self.client.rename(&at, &at, false)).await;
        renamed.or_else(|failed| failed.of_probe(&folder))
    }
}

impl Listing {
    pub(super) fn new() -> Self {
        Self { place: None, last: None }
    }
}

/// The order in which a NameNode lists names: by their bytes, as signed numbers.
fn comes_after(name: &str, last: &str) -> bool {
    let signed = |text: &str| text.bytes().map(|byte| i8::from_ne_bytes([byte])).collect::<Vec<_>>();
    signed(name) > signed(last)
}

fn stat_of(status: &FileStatus) -> Stat {
    let kind = match (status.isdir, status.blocksize) {
        (true, _) => Kind::Folder,
        // The client shows a link as a file; but only a file has blocks, and so a size for them.
        (false, None | Some(0)) => Kind::Other,
        (false, Some(_)) => Kind::File,
    };
    let length = if kind == Kind::File { status.length as u64 } else { 0 };
    Stat { kind, length, mtime_ms: i64::try_from(status.modification_time).unwrap_or(i64::MAX) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Whether names stand as a listing that is taken up again takes them to stand.
    pub(in super::super) fn are_in_listing_order(names: &[String]) -> bool {
        names.windows(2).all(|pair| comes_after(&pair[1], &pair[0]))
    }

    impl Listing {
        /// Loses the client's place, as a failure does.
        pub(in super::super) fn forget_place(&mut self) {
            self.place = None;
        }
    }

    #[test]
    fn a_link_is_neither_a_file_nor_a_folder() {
        let status = |isdir, blocksize| FileStatus {
            path: "/x".to_owned(),
            length: 7,
            isdir,
            permission: 0o777,
            owner: String::new(),
            group: String::new(),
            modification_time: 5,
            access_time: 0,
            replication: Some(0),
            blocksize,
        };
        assert_eq!(stat_of(&status(false, Some(1 << 20))), Stat { kind: Kind::File, length: 7, mtime_ms: 5 });
        assert_eq!(stat_of(&status(true, Some(0))).kind, Kind::Folder);
        assert_eq!(stat_of(&status(false, Some(0))), Stat { kind: Kind::Other, length: 0, mtime_ms: 5 });
    }

    #[test]
    fn names_follow_each_other_as_a_name_node_lists_them() {
        assert!(comes_after("b", "a") && comes_after("ab", "a") && comes_after("a", "文"));
        assert!(!comes_after("a", "a") && !comes_after("文", "a"));
    }
}
