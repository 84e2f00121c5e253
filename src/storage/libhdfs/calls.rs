//! One call at a time, of Hadoop's `FileSystem`: what is asked of it, and what its answer means.
//!
//! libhdfs's own functions always overwrite a file, move a folder into one that is there, and give times in seconds. The
//! same object has calls that do neither, so changes and looks go to it directly; each is one request of the `NameNode`.

use jni::objects::{GlobalRef, JByteArray, JObject, JString, JValue, JValueOwned};
use jni::JNIEnv;

use super::super::hdfs::answers::{
    no_folder, removed, settled, taken_back, taking_back, too_large, Failure, Page, MOMENT, PAGE,
};
use super::super::hdfs::batch::{Answer, Setback};
use super::super::hdfs::{absolute, PROBE};
use super::thrown::{text_of, Called, Thrown};
use crate::error::{Error, ErrorKind, Result};
use crate::tree::{Change, Entry, Kind, Stat, TreePath};

/// How much of a file is read at a time.
const PIECE_BYTES: i32 = 16 << 10;

/// What Hadoop buffers of a file that is written.
const BUFFER_BYTES: i32 = 4_096;

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
        let at = self.absolute(path)?;
        match self.status(environment, &at) {
            Ok(stat) => Ok(stat),
            Err(thrown) if thrown.is_link() => {
                Err(thrown.error(ErrorKind::Refused, "a folder above it is a link").at(path).into())
            }
            Err(thrown) => Err(thrown.of_read("it cannot be looked at", path)),
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
        let at = self.absolute(path)?;
        let bytes = self.bytes(environment, &at, limit_bytes);
        let bytes = bytes.map_err(|thrown| thrown.of_read("it cannot be read", path))?;
        bytes.ok_or_else(|| too_large(limit_bytes, path))
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
        let at = self.absolute(folder)?;
        let ended = self.entries(environment, &at, listing);
        let ended = ended.map_err(|thrown| thrown.of_read("the folder cannot be listed", folder))?;
        let is_last = ended.ok_or_else(|| no_folder(folder))?;
        Ok(Page { entries: std::mem::take(&mut listing.entries), is_last })
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
        let at = self.absolute(change.path())?;
        if let Some(answer) = settled(change) {
            return answer;
        }
        match change {
            Change::Create { path, bytes } => self.create(environment, path, &at, bytes),
            Change::MakeFolder { path } => match self.make_folder(environment, &at) {
                Ok(true) => Ok(()),
                Ok(false) => {
                    let text = "the folder was not made, and HDFS does not say why";
                    Err(Error::new(ErrorKind::Storage, text).at(path).into())
                }
                Err(thrown) => Err(thrown.of_folder(path)),
            },
            Change::Rename { from, to } => self.rename(environment, from, to, &at),
            Change::Remove { path, recursive } => removed(self.remove(environment, &at, *recursive), path),
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
        let opened = self.open_new(environment, at);
        let stream = opened.map_err(|thrown| thrown.of_change("it cannot be made", path))?;
        // From here on the file is there and ours: whatever fails, it goes again before the change counts as not made.
        let written = fill(environment, &stream, bytes);
        // Closed on either path: a stream that is left open keeps its lease for as long as the client lives.
        let closed = call(environment, &stream, "close", "()V", &[]).map(|_| ());
        written.and(closed).map_err(|thrown| {
            let reasons = [ErrorKind::Quota, ErrorKind::Permission, ErrorKind::Unsupported];
            let (error, again) = thrown.of_filling(&reasons, path);
            Setback::Clear { error, again }
        })
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
        taken_back(self.change(environment, &taking_back(change)))?;
        if again {
            std::thread::sleep(MOMENT);
        }
        Ok(())
    }

    fn rename(&self, environment: &mut JNIEnv<'_>, from: &TreePath, to: &TreePath, target: &str) -> Answer<()> {
        let source = self.absolute(from)?;
        let Err(thrown) = self.rename_only(environment, &source, target) else { return Ok(()) };
        let is_taken = thrown.asks_for_a_look() && self.status(environment, target).is_ok();
        Err(thrown.of_rename(from, to, is_taken))
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
        let at = self.absolute(&folder.join(PROBE))?;
        self.rename_only(environment, &at, &at).or_else(|thrown| thrown.of_probe(folder))
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
