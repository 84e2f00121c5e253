//! One call at a time, of Hadoop's `FileSystem`: what is asked of it, and what its answer means.
//!
//! libhdfs's own functions always overwrite a file, move a folder into one that is there, and give times in seconds. The
//! same object has calls that do neither, so changes and looks go to it directly; each is one request of the `NameNode`.

use jni::objects::{GlobalRef, JByteArray, JObject, JString, JValue, JValueOwned};
use jni::JNIEnv;

use super::super::hdfs::batch::Answer;
use super::super::hdfs::exceptions::Cause;
use super::super::hdfs::{absolute, PROBE};
use super::thrown::{text_of, Called, Thrown};
use crate::error::{Error, ErrorKind, Result};
use crate::tree::{Change, Entry, Kind, Stat, TreePath};

/// How many entries a listing hands over at a time: as many as the `NameNode` sends at a time by default.
const PAGE: usize = 1_000;

/// How much of a file is read at a time.
const PIECE_BYTES: i32 = 16 << 10;

/// What Hadoop buffers of a file that is written.
const BUFFER_BYTES: i32 = 4_096;

/// How long a `DataNode` that does not take a file is left alone: a heartbeat or so.
const MOMENT: std::time::Duration = std::time::Duration::from_secs(1);

/// The file system, and the objects that every call is made with.
pub(super) struct Calls {
    pub(super) file_system: GlobalRef,
    pub(super) create_only: GlobalRef,
    pub(super) never_overwrite: GlobalRef,
    pub(super) file_rights: GlobalRef,
    /// The root's absolute path; empty for `/`.
    pub(super) root: String,
    pub(super) block_bytes: i64,
    pub(super) replication: i16,
}

/// A listing that goes on. It is let go on a thread that is attached.
#[derive(Default)]
pub(super) struct Listing {
    place: Option<GlobalRef>,
    /// What came and was not handed over yet: a failure in the middle of a piece loses none of it.
    entries: Vec<Entry>,
}

/// A piece of a listing.
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    pub(super) is_last: bool,
}

/// Calls a method; an exception becomes the error.
fn call<'local>(
    environment: &mut JNIEnv<'local>,
    object: &JObject<'_>,
    name: &str,
    signature: &str,
    arguments: &[JValue<'_, '_>],
) -> Called<JValueOwned<'local>> {
    let called = environment.call_method(object, name, signature, arguments);
    called.map_err(|error| Thrown::take(environment, &error))
}

/// The value of a call, of the type that it is known to have.
fn value<T>(environment: &mut JNIEnv<'_>, value: jni::errors::Result<T>) -> Called<T> {
    value.map_err(|error| Thrown::take(environment, &error))
}

fn path_of<'local>(environment: &mut JNIEnv<'local>, text: &str) -> Called<JObject<'local>> {
    let name = environment.new_string(text);
    let name = value(environment, name)?;
    let path = environment.new_object("org/apache/hadoop/fs/Path", "(Ljava/lang/String;)V", &[JValue::Object(&name)]);
    value(environment, path)
}

impl Calls {
    fn absolute(&self, path: &TreePath) -> Result<String> {
        absolute(&self.root, path)
    }

    pub(super) fn stat(&self, environment: &mut JNIEnv<'_>, path: &TreePath) -> Answer<Stat> {
        let at = match self.absolute(path) {
            Ok(at) => at,
            Err(error) => return Answer::Done(Err(error)),
        };
        match self.status(environment, &at) {
            Ok(stat) => Answer::Done(Ok(stat)),
            Err(thrown) if thrown.is_link() => {
                Answer::Done(Err(thrown.error(ErrorKind::Refused, "a folder above it is a link").at(path)))
            }
            Err(thrown) => read_answer("it cannot be looked at", &thrown, path),
        }
    }

    /// What lies at a path; a link is itself.
    fn status(&self, environment: &mut JNIEnv<'_>, at: &str) -> Called<Stat> {
        let path = path_of(environment, at)?;
        let signature = "(Lorg/apache/hadoop/fs/Path;)Lorg/apache/hadoop/fs/FileStatus;";
        let found = call(environment, &self.file_system, "getFileLinkStatus", signature, &[JValue::Object(&path)])?;
        let status = value(environment, found.l())?;
        stat_of(environment, &status)
    }

    pub(super) fn read(&self, environment: &mut JNIEnv<'_>, path: &TreePath, limit_bytes: u64) -> Answer<Vec<u8>> {
        let at = match self.absolute(path) {
            Ok(at) => at,
            Err(error) => return Answer::Done(Err(error)),
        };
        match self.bytes(environment, &at, limit_bytes) {
            Ok(Some(bytes)) => Answer::Done(Ok(bytes)),
            Ok(None) => {
                let text = format!("it has over {limit_bytes} bytes");
                Answer::Done(Err(Error::new(ErrorKind::TooLarge, text).at(path)))
            }
            Err(thrown) => read_answer("it cannot be read", &thrown, path),
        }
    }

    /// The bytes of a file; `None` where there are more than the limit.
    fn bytes(&self, environment: &mut JNIEnv<'_>, at: &str, limit_bytes: u64) -> Called<Option<Vec<u8>>> {
        let path = path_of(environment, at)?;
        let signature = "(Lorg/apache/hadoop/fs/Path;)Lorg/apache/hadoop/fs/FSDataInputStream;";
        let opened = call(environment, &self.file_system, "open", signature, &[JValue::Object(&path)])?;
        let stream = value(environment, opened.l())?;
        let read = pieces(environment, &stream, limit_bytes);
        let closed = call(environment, &stream, "close", "()V", &[]);
        let bytes = read?;
        closed?;
        Ok(bytes)
    }

    /// The first piece of a listing, or the next one.
    pub(super) fn page(&self, environment: &mut JNIEnv<'_>, folder: &TreePath, listing: &mut Listing) -> Answer<Page> {
        let at = match self.absolute(folder) {
            Ok(at) => at,
            Err(error) => return Answer::Done(Err(error)),
        };
        match self.entries(environment, &at, listing) {
            Ok(Some(is_last)) => Answer::Done(Ok(Page { entries: std::mem::take(&mut listing.entries), is_last })),
            Ok(None) => Answer::Done(Err(Error::new(ErrorKind::NotFound, "it is not a folder").at(folder))),
            Err(thrown) => read_answer("the folder cannot be listed", &thrown, folder),
        }
    }

    /// Takes entries until there is a piece, and tells whether it is the last one; `None` where a file is listed, which
    /// HDFS shows as its own and only child.
    fn entries(&self, environment: &mut JNIEnv<'_>, at: &str, listing: &mut Listing) -> Called<Option<bool>> {
        let place = if let Some(place) = &listing.place {
            place.clone()
        } else {
            let path = path_of(environment, at)?;
            let signature = "(Lorg/apache/hadoop/fs/Path;)Lorg/apache/hadoop/fs/RemoteIterator;";
            let begun =
                call(environment, &self.file_system, "listStatusIterator", signature, &[JValue::Object(&path)])?;
            let begun = value(environment, begun.l())?;
            let kept = environment.new_global_ref(begun);
            listing.place.insert(value(environment, kept)?).clone()
        };
        while listing.entries.len() < PAGE {
            // Where this fails it asks for the same piece again the next time.
            let more = call(environment, &place, "hasNext", "()Z", &[])?;
            if !value(environment, more.z())? {
                return Ok(Some(true));
            }
            let framed = environment
                .with_local_frame(16, |environment| -> jni::errors::Result<Called<Option<Entry>>> {
                    Ok(entry(environment, &place, at))
                });
            match value(environment, framed)?? {
                Some(entry) => listing.entries.push(entry),
                None => return Ok(None),
            }
        }
        Ok(Some(false))
    }

    /// Carries a change out.
    pub(super) fn change(&self, environment: &mut JNIEnv<'_>, change: &Change) -> Answer<()> {
        if change.path().parent().is_none() {
            return match change {
                Change::MakeFolder { .. } => Answer::Done(Ok(())),
                _ => Answer::Done(Err(Error::new(ErrorKind::InvalidArgument, "the root cannot be changed"))),
            };
        }
        let at = match self.absolute(change.path()) {
            Ok(at) => at,
            Err(error) => return Answer::Done(Err(error)),
        };
        match change {
            Change::Create { path, bytes } => self.create(environment, path, &at, bytes),
            Change::MakeFolder { path } => match self.make_folder(environment, &at) {
                Ok(true) => Answer::Done(Ok(())),
                Ok(false) => {
                    let text = "the folder was not made, and HDFS does not say why";
                    Answer::Done(Err(Error::new(ErrorKind::Storage, text).at(path)))
                }
                Err(thrown) if thrown.parent_is_a_file() => {
                    let text = "a file stands in the way of the folder";
                    Answer::Done(Err(thrown.error(ErrorKind::AlreadyExists, text).at(path)))
                }
                Err(thrown) => change_answer("the folder cannot be made", &thrown, path),
            },
            Change::Rename { from, to } => self.rename(environment, from, to, &at),
            Change::Remove { path, recursive } => match self.remove(environment, &at, *recursive) {
                Ok(true) => Answer::Done(Ok(())),
                Ok(false) => Answer::Done(Err(Error::new(ErrorKind::NotFound, "there is nothing to remove").at(path))),
                Err(thrown) => change_answer("it cannot be removed", &thrown, path),
            },
        }
    }

    fn make_folder(&self, environment: &mut JNIEnv<'_>, at: &str) -> Called<bool> {
        let path = path_of(environment, at)?;
        let made =
            call(environment, &self.file_system, "mkdirs", "(Lorg/apache/hadoop/fs/Path;)Z", &[JValue::Object(&path)])?;
        value(environment, made.z())
    }

    fn remove(&self, environment: &mut JNIEnv<'_>, at: &str, recursive: bool) -> Called<bool> {
        let path = path_of(environment, at)?;
        let arguments = [JValue::Object(&path), JValue::Bool(recursive.into())];
        let gone = call(environment, &self.file_system, "delete", "(Lorg/apache/hadoop/fs/Path;Z)Z", &arguments)?;
        value(environment, gone.z())
    }

    fn create(&self, environment: &mut JNIEnv<'_>, path: &TreePath, at: &str, bytes: &[u8]) -> Answer<()> {
        let stream = match self.open_new(environment, at) {
            Ok(stream) => stream,
            Err(thrown) => return change_answer("it cannot be made", &thrown, path),
        };
        // From here on the file is there and ours: whatever fails, it goes again before the change counts as not made.
        let written = fill(environment, &stream, bytes);
        // Closed on either path: a stream that is left open keeps its lease for as long as the client lives.
        let closed = call(environment, &stream, "close", "()V", &[]).map(|_| ());
        match written.and(closed) {
            Ok(()) => Answer::Done(Ok(())),
            Err(thrown) => {
                let (kind, again) = match thrown.cause() {
                    Cause::Said(kind @ (ErrorKind::Quota | ErrorKind::Permission | ErrorKind::Unsupported)) => {
                        (kind, false)
                    }
                    // A DataNode may have gone this moment, and the NameNode may choose another.
                    _ => (ErrorKind::Storage, true),
                };
                Answer::Clear { error: thrown.error(kind, "its bytes cannot be written").at(path), again }
            }
        }
    }

    /// Makes a file that was not there, in a folder that is.
    fn open_new<'local>(&self, environment: &mut JNIEnv<'local>, at: &str) -> Called<JObject<'local>> {
        let path = path_of(environment, at)?;
        let signature = "(Lorg/apache/hadoop/fs/Path;Lorg/apache/hadoop/fs/permission/FsPermission;\
                         Ljava/util/EnumSet;ISJLorg/apache/hadoop/util/Progressable;)\
                         Lorg/apache/hadoop/fs/FSDataOutputStream;";
        let no_progress = JObject::null();
        let arguments = [
            JValue::Object(&path),
            JValue::Object(&self.file_rights),
            JValue::Object(&self.create_only),
            JValue::Int(BUFFER_BYTES),
            JValue::Short(self.replication),
            JValue::Long(self.block_bytes),
            JValue::Object(&no_progress),
        ];
        let opened = call(environment, &self.file_system, "createNonRecursive", signature, &arguments)?;
        value(environment, opened.l())
    }

    /// Takes back a file that was made and could not be filled; fine if it is gone. Where it is made anew, the
    /// `DataNode`s get a moment first: here, and not between the fence's leave and the change.
    pub(super) fn clear(&self, environment: &mut JNIEnv<'_>, change: &Change, again: bool) -> Answer<()> {
        let remove = Change::Remove { path: change.path().clone(), recursive: false };
        match self.change(environment, &remove) {
            Answer::Done(Err(error)) if error.kind() != ErrorKind::NotFound => Answer::Done(Err(error)),
            Answer::Done(_) => {
                if again {
                    std::thread::sleep(MOMENT);
                }
                Answer::Done(Ok(()))
            }
            answer => answer,
        }
    }

    fn rename(&self, environment: &mut JNIEnv<'_>, from: &TreePath, to: &TreePath, target: &str) -> Answer<()> {
        if from.parent().is_none() || (to.is_within(from) && to != from) {
            let error = Error::new(ErrorKind::InvalidArgument, "a folder cannot move into itself");
            return Answer::Done(Err(error.at(to)));
        }
        let source = match self.absolute(from) {
            Ok(source) => source,
            Err(error) => return Answer::Done(Err(error)),
        };
        match self.rename_only(environment, &source, target) {
            Ok(()) => Answer::Done(Ok(())),
            // Nothing was renamed. HDFS has no class of its own for a file that should go onto a folder, or the other way
            // round, so a look tells whether the name was taken.
            Err(thrown) if thrown.cause() == Cause::Said(ErrorKind::Storage) => {
                let taken = self.status(environment, target).is_ok();
                let kind = if taken { ErrorKind::AlreadyExists } else { ErrorKind::Storage };
                Answer::Done(Err(thrown.error(kind, &format!("{from} cannot be renamed")).at(to)))
            }
            Err(thrown) => change_answer(&format!("{from} cannot be renamed"), &thrown, to),
        }
    }

    /// A rename that never overwrites and never moves into a folder.
    fn rename_only(&self, environment: &mut JNIEnv<'_>, source: &str, target: &str) -> Called<()> {
        let (from, to) = (path_of(environment, source)?, path_of(environment, target)?);
        let signature =
            "(Lorg/apache/hadoop/fs/Path;Lorg/apache/hadoop/fs/Path;[Lorg/apache/hadoop/fs/Options$Rename;)V";
        let arguments = [JValue::Object(&from), JValue::Object(&to), JValue::Object(&self.never_overwrite)];
        call(environment, &self.file_system, "rename", signature, &arguments).map(|_| ())
    }

    /// Whether names can be made in a folder: the `NameNode` checks the rights for a rename before it looks for the
    /// source, and this one, of a name to itself, can change nothing whatever it finds.
    pub(super) fn probe(&self, environment: &mut JNIEnv<'_>, folder: &TreePath) -> Answer<()> {
        let at = match self.absolute(&folder.join(PROBE)) {
            Ok(at) => at,
            Err(error) => return Answer::Done(Err(error)),
        };
        match self.rename_only(environment, &at, &at) {
            Ok(()) => Answer::Done(Ok(())),
            Err(thrown) => match thrown.cause() {
                Cause::Said(ErrorKind::NotFound | ErrorKind::AlreadyExists) => Answer::Done(Ok(())),
                _ => read_answer("files cannot be made in it", &thrown, folder),
            },
        }
    }
}

/// Reads a stream to its end, or to where it has more than the limit.
fn pieces(environment: &mut JNIEnv<'_>, stream: &JObject<'_>, limit_bytes: u64) -> Called<Option<Vec<u8>>> {
    // Most files are small and the limit is not: a piece is one, and the rest of a large file comes by more of them.
    let made = environment.new_byte_array(PIECE_BYTES);
    let buffer = value(environment, made)?;
    let mut bytes = Vec::new();
    loop {
        let read = call(environment, stream, "read", "([B)I", &[JValue::Object(&buffer)])?;
        let read = value(environment, read.i())?;
        let Ok(count) = usize::try_from(read) else { return Ok(Some(bytes)) };
        let mut piece = vec![0_i8; count];
        let copied = environment.get_byte_array_region(&buffer, 0, &mut piece);
        value(environment, copied)?;
        bytes.extend(piece.into_iter().map(|byte| u8::from_ne_bytes(byte.to_ne_bytes())));
        if bytes.len() as u64 > limit_bytes {
            return Ok(None);
        }
    }
}

fn fill(environment: &mut JNIEnv<'_>, stream: &JObject<'_>, bytes: &[u8]) -> Called<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let made = environment.byte_array_from_slice(bytes);
    let array: JByteArray<'_> = value(environment, made)?;
    call(environment, stream, "write", "([B)V", &[JValue::Object(&array)]).map(|_| ())
}

/// The next entry of a listing; `None` where it is the listed path itself, which is a file then.
fn entry(environment: &mut JNIEnv<'_>, place: &JObject<'_>, folder: &str) -> Called<Option<Entry>> {
    let next = call(environment, place, "next", "()Ljava/lang/Object;", &[])?;
    let status = value(environment, next.l())?;
    let path = call(environment, &status, "getPath", "()Lorg/apache/hadoop/fs/Path;", &[])?;
    let path = value(environment, path.l())?;
    let name = text_of(environment, &path, "getName");
    let name = value(environment, name)?;
    let uri = call(environment, &path, "toUri", "()Ljava/net/URI;", &[])?;
    let uri = value(environment, uri.l())?;
    let whole = text_of(environment, &uri, "getPath");
    if value(environment, whole)? == folder {
        return Ok(None);
    }
    Ok(Some(Entry { name, exact: true, stat: stat_of(environment, &status)? }))
}

fn stat_of(environment: &mut JNIEnv<'_>, status: &JObject<'_>) -> Called<Stat> {
    let is_folder = call(environment, status, "isDirectory", "()Z", &[])?;
    let is_link = call(environment, status, "isSymlink", "()Z", &[])?;
    let length = call(environment, status, "getLen", "()J", &[])?;
    let mtime = call(environment, status, "getModificationTime", "()J", &[])?;
    let kind = match (value(environment, is_link.z())?, value(environment, is_folder.z())?) {
        (true, _) => Kind::Other,
        (false, true) => Kind::Folder,
        (false, false) => Kind::File,
    };
    let length = if kind == Kind::File { value(environment, length.j())? } else { 0 };
    Ok(Stat { kind, length: u64::try_from(length).unwrap_or(0), mtime_ms: value(environment, mtime.j())? })
}

/// What a failed read means: it is made again where the reply was lost.
fn read_answer<T>(what: &str, thrown: &Thrown, path: &TreePath) -> Answer<T> {
    match thrown.cause() {
        Cause::Said(kind) => Answer::Done(Err(thrown.error(kind, what).at(path))),
        Cause::NotNow => Answer::Later(thrown.error(ErrorKind::RetryLater, what).at(path)),
        Cause::Unreached => Answer::Away(thrown.error(ErrorKind::RetryLater, "no NameNode can be reached").at(path)),
        Cause::Lost => Answer::Again(thrown.error(ErrorKind::Storage, what).at(path)),
    }
}

/// What a failed change means: it is never made again where the reply was lost.
fn change_answer(what: &str, thrown: &Thrown, path: &TreePath) -> Answer<()> {
    match thrown.cause() {
        Cause::Lost => Answer::Done(Err(thrown.error(ErrorKind::OutcomeUnknown, what).at(path))),
        _ => read_answer(what, thrown, path),
    }
}

/// A constant of a Java enumeration.
pub(super) fn constant<'local>(
    environment: &mut JNIEnv<'local>,
    class: &str,
    name: &str,
) -> jni::errors::Result<JObject<'local>> {
    environment.get_static_field(class, name, format!("L{class};"))?.l()
}

/// What a file system was opened with.
pub(super) fn configuration<'local>(
    environment: &mut JNIEnv<'local>,
    file_system: &JObject<'_>,
) -> Called<JObject<'local>> {
    let conf = call(environment, file_system, "getConf", "()Lorg/apache/hadoop/conf/Configuration;", &[])?;
    value(environment, conf.l())
}

/// The value of a key of one of Hadoop's configurations.
pub(super) fn setting(environment: &mut JNIEnv<'_>, conf: &JObject<'_>, key: &str) -> Called<Option<String>> {
    let key = environment.new_string(key);
    let key = value(environment, key)?;
    let signature = "(Ljava/lang/String;)Ljava/lang/String;";
    let found = call(environment, conf, "get", signature, &[JValue::Object(&key)])?;
    let found = value(environment, found.l())?;
    if found.as_raw().is_null() {
        return Ok(None);
    }
    let text = JString::from(found);
    let owned = environment.get_string(&text).map(|text| text.to_string_lossy().into_owned());
    value(environment, owned).map(Some)
}
