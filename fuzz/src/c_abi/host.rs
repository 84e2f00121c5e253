//! A host in memory, all of whose functions now and then fail, lose a reply, or lie.

use std::ffi::{c_char, c_void, CStr, CString};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use comptask_upgrade::c_abi::{self as abi, ctu_code, ctu_progress, ctu_reply, ctu_task_v1, ctu_task_v2};
use comptask_upgrade::storage::{Fence, Flow};
use comptask_upgrade::tree::{Change, Kind, Stat, TreePath};
use comptask_upgrade::{Error, ErrorKind, MemoryStorage, Result, Storage};

use super::script::Script;

/// What a host function may answer though it should not: codes that mean something, and some that mean nothing.
const CODES: [ctu_code; 16] = [1, 4, 5, 11, 12, 22, 30, 31, 33, 34, 35, 36, 37, 40, 9_999, -1];

struct Open;

impl Fence for Open {
    fn permit(&self) -> Result<()> {
        Ok(())
    }
}

/// How a host function behaves this time.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// As it should.
    Honest,
    /// It does nothing and answers with a code.
    Fails(ctu_code),
    /// It does its work and answers with a code.
    FailsAfter(ctu_code),
    /// It does nothing and answers success.
    Idle,
    /// It does its work and says too much beside it.
    Babbles,
}

/// The host: what lies in its storage, and how it will answer.
pub struct Host {
    storage: MemoryStorage,
    manners: Mutex<std::vec::IntoIter<u8>>,
    misbehaved: AtomicBool,
    locked: AtomicBool,
    /// How often each user data that was handed to the library was released, and whether the library took it.
    #[allow(clippy::vec_box, reason = "the library keeps their addresses")]
    handed: Mutex<Vec<Box<Handed>>>,
    progress: AtomicU32,
}

/// What the library holds as user data.
pub struct Handed {
    host: *const Host,
    released: AtomicU32,
    accepted: AtomicBool,
    has_release: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host {
    /// The host of a script, which begins with how its functions behave.
    #[allow(clippy::unnecessary_box_returns, reason = "the library keeps its address")]
    pub fn new(script: &mut Script) -> Box<Self> {
        let manners = script.bytes().to_vec();
        Box::new(Self {
            storage: MemoryStorage::new(),
            manners: Mutex::new(manners.into_iter()),
            misbehaved: AtomicBool::new(false),
            locked: AtomicBool::new(false),
            handed: Mutex::default(),
            progress: AtomicU32::new(0),
        })
    }

    /// User data for one table.
    pub fn hand(&self, has_release: bool) -> *mut Handed {
        let (released, accepted) = (AtomicU32::new(0), AtomicBool::new(false));
        let mut handed = Box::new(Handed { host: self, released, accepted, has_release });
        let pointer = &raw mut *handed;
        lock(&self.handed).push(handed);
        pointer
    }

    /// That the library took it, so that it must release it.
    ///
    /// # Safety
    /// It was handed out by this host.
    pub unsafe fn accept(handed: *mut Handed) {
        // SAFETY: it lives as long as the host.
        unsafe { &*handed }.accepted.store(true, SeqCst);
    }

    /// Whether any function did not do what the header asks of it: then the library may call that a defect of the host.
    pub fn misbehaved(&self) -> bool {
        self.misbehaved.load(SeqCst)
    }

    /// Fails unless all that the library took was released once, and nothing that it refused.
    pub fn judge(&self) {
        for handed in lock(&self.handed).iter() {
            let expected = u32::from(handed.accepted.load(SeqCst) && handed.has_release);
            assert_eq!(handed.released.load(SeqCst), expected, "releases of one user data");
        }
    }

    /// Changes the tree as another process would.
    pub fn meddle(&self, script: &mut Script) {
        let path = meddled_path(script);
        let Ok(path) = TreePath::parse(&path) else { return };
        let change = match script.byte() % 8 {
            0 => Change::Remove { path, recursive: true },
            1 => Change::MakeFolder { path },
            2 => Change::Create { path, bytes: script.bytes().to_vec() },
            3 => match TreePath::parse(&meddled_path(script)) {
                Ok(to) => Change::Rename { from: path, to },
                Err(_) => return,
            },
            _ => return self.add_task(script),
        };
        let _ = self.change(&change);
    }

    /// Adds a V1 task, which may be broken.
    fn add_task(&self, script: &mut Script) {
        let (pu, number, suffix) = (script.byte() % 3, script.byte(), script.byte() % 6);
        let suffix = ["", ".Assigned", ".Cancel", ".Done", "", ".unknown"][usize::from(suffix)];
        let name = format!("compct.p{pu}.{}.16176931560{number:02}{suffix}", number % 4);
        let task = super::calls::sample_v1(pu, number);
        let mut bytes = task;
        if script.rarely() {
            let at = usize::from(script.byte()) % bytes.len();
            bytes[at] ^= script.byte();
        }
        for folder in ["Compaction/Scheduler", "Compaction_V2/Scheduler"] {
            let _ = TreePath::parse(folder).map(|path| self.change(&Change::MakeFolder { path }));
        }
        let _ = TreePath::parse("Compaction/Scheduler").map(|folder| {
            let path = folder.join(&name);
            self.change(&Change::Create { path, bytes })
        });
    }

    fn change(&self, change: &Change) -> Result<()> {
        let flow = Flow { fence: &Open, in_flight: 1 };
        let mut answers = self.storage.change_batch(std::slice::from_ref(change), flow);
        answers.pop().unwrap_or(Ok(()))
    }

    fn manner(&self) -> Manner {
        let mut manners = lock(&self.manners);
        let manner = match manners.next().unwrap_or_default() {
            0..=239 => Manner::Honest,
            240..=245 => Manner::Fails(code(manners.next())),
            246..=250 => Manner::FailsAfter(code(manners.next())),
            251..=252 => Manner::Idle,
            _ => Manner::Babbles,
        };
        if manner != Manner::Honest {
            self.misbehaved.store(true, SeqCst);
        }
        manner
    }

    fn storage(&self) -> &dyn Storage {
        &self.storage
    }
}

fn code(choice: Option<u8>) -> ctu_code {
    CODES[usize::from(choice.unwrap_or_default()) % CODES.len()]
}

/// A path of the trees, or one made of the script's bytes.
fn meddled_path(script: &mut Script) -> String {
    const FOLDERS: [&str; 8] = [
        "Compaction/Scheduler",
        "Compaction/TaskAssigned",
        "Compaction_V2/Scheduler",
        "Compaction_V2/TaskAssigned/n1",
        "Compaction_V2/Taskupgrade",
        "Compaction_V2/TaskUpgrade.done",
        "Compaction_V2/Taskrecovery",
        "Compaction_V2/.staging",
    ];
    const NAMES: [&str; 8] = [
        "compct.p0.0.1617693156000",
        "compct.p0.0.1617693156000.upgrade",
        "compct.p0.0.1617693156000.n1",
        "aaaaffff.16176931.56000000.0",
        "Manager.aaaaffff.16176931.56000000.0",
        "Manifest",
        "Mode.downgrade",
        "Started.n1",
    ];
    let folder = FOLDERS[usize::from(script.byte()) % FOLDERS.len()];
    let name = script.byte();
    match name {
        200..=255 => folder.to_owned(),
        150..=199 => format!("{folder}/{}", String::from_utf8_lossy(script.bytes())),
        _ => format!("{folder}/{}", NAMES[usize::from(name) % NAMES.len()]),
    }
}

/// # Safety
/// The library hands in user data that a host handed out.
unsafe fn host<'a>(user_data: *mut c_void) -> &'a Host {
    // SAFETY: as promised by the caller; a host outlives every object of its script.
    unsafe { &*(*user_data.cast::<Handed>()).host }
}

/// # Safety
/// The library hands in NUL-ended texts.
unsafe fn text<'a>(text: *const c_char) -> &'a str {
    // SAFETY: as promised by the caller.
    unsafe { CStr::from_ptr(text) }.to_str().expect("the library hands in UTF-8")
}

/// # Safety
/// The library hands in NUL-ended texts.
unsafe fn path(pointer: *const c_char) -> TreePath {
    // SAFETY: as promised by the caller.
    TreePath::parse(unsafe { text(pointer) }).expect("the library hands in paths below the root")
}

/// Carries a call out in the manner that is its turn.
///
/// # Safety
/// `reply` is that of the call under way.
unsafe fn answer(host: &Host, reply: *mut ctu_reply, work: impl FnOnce() -> Result<()>) -> ctu_code {
    let manner = host.manner();
    let done = match manner {
        Manner::Fails(code) => return code,
        Manner::Idle => return abi::CTU_OK,
        _ => work(),
    };
    if manner == Manner::Babbles {
        // SAFETY: as promised by the caller; the texts are NUL-ended.
        unsafe {
            abi::ctu_reply_message(reply, c"\xff".as_ptr());
            abi::ctu_reply_bytes(reply, std::ptr::null(), 3);
            abi::ctu_reply_bytes(reply, b"more".as_ptr(), 4);
            abi::ctu_reply_entry(reply, c"a/../b".as_ptr(), true, u64::MAX, i64::MIN);
            abi::ctu_reply_entry(reply, c"\xff".as_ptr(), false, u64::MAX, i64::MAX);
            abi::ctu_reply_name(reply, c"a.b/c".as_ptr());
            abi::ctu_reply_name(reply, std::ptr::null());
            abi::ctu_reply_task_v1(reply, std::ptr::null());
            abi::ctu_reply_task_v2(reply, std::ptr::null());
        }
    }
    match (manner, done) {
        (Manner::FailsAfter(code), _) => code,
        (_, Ok(())) => abi::CTU_OK,
        (_, Err(error)) => {
            let message = CString::new(error.message()).unwrap_or_default();
            // SAFETY: as promised by the caller.
            unsafe { abi::ctu_reply_message(reply, message.as_ptr()) };
            error.kind().code()
        }
    }
}

unsafe fn entry(reply: *mut ctu_reply, name: &str, stat: Stat) {
    let name = CString::new(name).unwrap_or_default();
    // SAFETY: the reply of the call under way.
    unsafe { abi::ctu_reply_entry(reply, name.as_ptr(), stat.kind == Kind::Folder, stat.length, stat.mtime_ms) };
}

unsafe fn names(reply: *mut ctu_reply, names: &[&CStr]) {
    // SAFETY: the reply of the call under way.
    names.iter().for_each(|name| unsafe { abi::ctu_reply_name(reply, name.as_ptr()) });
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "it is not there")
}

pub unsafe extern "C" fn list(data: *mut c_void, dir: *const c_char, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: what the library hands in, here and in every function below.
    unsafe {
        answer(host(data), reply, || {
            let children = host(data).storage().children(&path(dir))?.ok_or_else(not_found)?;
            for child in &children {
                entry(reply, &child.name, child.stat);
            }
            Ok(())
        })
    }
}

pub unsafe extern "C" fn stat(data: *mut c_void, at: *const c_char, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        answer(host(data), reply, || {
            entry(reply, "x", host(data).storage().stat(&path(at))?);
            Ok(())
        })
    }
}

pub unsafe extern "C" fn read(data: *mut c_void, at: *const c_char, limit: u64, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        answer(host(data), reply, || {
            let bytes = host(data).storage().read(&path(at), limit)?;
            abi::ctu_reply_bytes(reply, bytes.as_ptr(), bytes.len());
            Ok(())
        })
    }
}

pub unsafe extern "C" fn create(
    data: *mut c_void,
    at: *const c_char,
    bytes: *const u8,
    len: usize,
    reply: *mut ctu_reply,
) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        let bytes = std::slice::from_raw_parts(bytes, len).to_vec();
        answer(host(data), reply, || host(data).change(&Change::Create { path: path(at), bytes }))
    }
}

pub unsafe extern "C" fn mkdir(data: *mut c_void, at: *const c_char, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe { answer(host(data), reply, || host(data).change(&Change::MakeFolder { path: path(at) })) }
}

pub unsafe extern "C" fn rename(
    data: *mut c_void,
    from: *const c_char,
    to: *const c_char,
    reply: *mut ctu_reply,
) -> ctu_code {
    // SAFETY: as above.
    unsafe { answer(host(data), reply, || host(data).change(&Change::Rename { from: path(from), to: path(to) })) }
}

pub unsafe extern "C" fn remove(
    data: *mut c_void,
    at: *const c_char,
    recursive: bool,
    reply: *mut ctu_reply,
) -> ctu_code {
    // SAFETY: as above.
    unsafe { answer(host(data), reply, || host(data).change(&Change::Remove { path: path(at), recursive })) }
}

pub unsafe extern "C" fn acquire(data: *mut c_void, holder: *const c_char, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        text(holder);
        answer(host(data), reply, || {
            if !host(data).locked.swap(true, SeqCst) {
                return Ok(());
            }
            names(reply, &[c"another"]);
            Err(Error::new(ErrorKind::Locked, "another has it"))
        })
    }
}

pub unsafe extern "C" fn check(data: *mut c_void, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        answer(host(data), reply, || {
            let held = host(data).locked.load(SeqCst);
            held.then_some(()).ok_or_else(|| Error::new(ErrorKind::LockLost, "it is lost"))
        })
    }
}

pub unsafe extern "C" fn release_lock(data: *mut c_void, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        answer(host(data), reply, || {
            host(data).locked.store(false, SeqCst);
            Ok(())
        })
    }
}

pub unsafe extern "C" fn schema_pcs(
    data: *mut c_void,
    db: *const c_char,
    schema: *const c_char,
    reply: *mut ctu_reply,
) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        answer(host(data), reply, || match (text(db), text(schema)) {
            ("d", "s0") => {
                names(reply, &[c"pc1", c"pc.two"]);
                Ok(())
            }
            ("d", "s1") => Ok(()),
            _ => Err(not_found()),
        })
    }
}

pub unsafe extern "C" fn cluster_pcs(data: *mut c_void, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        answer(host(data), reply, || {
            names(reply, &[c"pc.two", c"pc1"]);
            Ok(())
        })
    }
}

pub unsafe extern "C" fn pc_nodes(data: *mut c_void, pc: *const c_char, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        answer(host(data), reply, || {
            names(reply, if text(pc) == "pc1" { &[c"n1", c"upgrade"] } else { &[c"n:2"] });
            Ok(())
        })
    }
}

pub unsafe extern "C" fn cluster_nodes(data: *mut c_void, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        answer(host(data), reply, || {
            names(reply, &[c"n1", c"n:2", c"upgrade", c"p0"]);
            Ok(())
        })
    }
}

pub unsafe extern "C" fn online_nodes(data: *mut c_void, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe { answer(host(data), reply, || Ok(())) }
}

pub unsafe extern "C" fn change_id(data: *mut c_void, out: *mut i64, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        answer(host(data), reply, || {
            out.write(7);
            Ok(())
        })
    }
}

/// Hands bytes that the library's own codec made back to it.
unsafe fn encoded(
    host: &Host,
    reply: *mut ctu_reply,
    encode: impl FnOnce(*mut *mut abi::ctu_buffer) -> *mut abi::ctu_error,
) -> ctu_code {
    // SAFETY: what the library hands in, and what is made here and freed once.
    unsafe {
        answer(host, reply, || {
            let mut buffer = std::ptr::null_mut();
            let error = encode(&raw mut buffer);
            abi::ctu_reply_bytes(reply, abi::ctu_buffer_data(buffer), abi::ctu_buffer_len(buffer));
            abi::ctu_buffer_free(buffer);
            settled(error)
        })
    }
}

unsafe fn settled(error: *mut abi::ctu_error) -> Result<()> {
    // SAFETY: an error that the library gave out, freed once.
    unsafe {
        let failed = !error.is_null();
        abi::ctu_error_free(error);
        if failed {
            return Err(Error::new(ErrorKind::Corrupt, "the default codec refused it"));
        }
        Ok(())
    }
}

pub unsafe extern "C" fn encode_v1(data: *mut c_void, task: *const ctu_task_v1, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe { encoded(host(data), reply, |out| abi::ctu_task_v1_encode(task, out)) }
}

pub unsafe extern "C" fn encode_v2(data: *mut c_void, task: *const ctu_task_v2, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe { encoded(host(data), reply, |out| abi::ctu_task_v2_encode(task, out)) }
}

pub unsafe extern "C" fn decode_v1(data: *mut c_void, bytes: *const u8, len: usize, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above; zero is valid for the struct.
    unsafe {
        answer(host(data), reply, || {
            let mut task = std::ptr::null_mut();
            settled(abi::ctu_task_v1_decode(bytes, len, &raw mut task))?;
            let mut view: ctu_task_v1 = std::mem::zeroed();
            view.struct_size = std::mem::size_of_val(&view);
            let viewed = settled(abi::ctu_task_v1_view(task, &raw mut view));
            abi::ctu_reply_task_v1(reply, &raw const view);
            abi::ctu_task_free(task);
            viewed
        })
    }
}

pub unsafe extern "C" fn decode_v2(data: *mut c_void, bytes: *const u8, len: usize, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above; zero is valid for the struct.
    unsafe {
        answer(host(data), reply, || {
            let mut task = std::ptr::null_mut();
            settled(abi::ctu_task_v2_decode(bytes, len, &raw mut task))?;
            let mut view: ctu_task_v2 = std::mem::zeroed();
            view.struct_size = std::mem::size_of_val(&view);
            let viewed = settled(abi::ctu_task_v2_view(task, &raw mut view));
            abi::ctu_reply_task_v2(reply, &raw const view);
            abi::ctu_task_free(task);
            viewed
        })
    }
}

pub unsafe extern "C" fn release(data: *mut c_void) {
    // SAFETY: as above.
    unsafe { &*data.cast::<Handed>() }.released.fetch_add(1, SeqCst);
}

pub unsafe extern "C" fn log(data: *mut c_void, level: i32, target: *const c_char, message: *const c_char) {
    assert!((1..=5).contains(&level));
    // SAFETY: as above.
    unsafe {
        let _ = (host(data), text(target), text(message));
    }
}

/// What a progress function may count on, whatever its user data.
unsafe fn look_at_progress(now: *const ctu_progress) {
    // SAFETY: as above.
    unsafe {
        text((*now).current);
        assert!((*now).struct_size == std::mem::size_of::<ctu_progress>() && (0..=4).contains(&(*now).stage));
    }
}

pub unsafe extern "C" fn progress(data: *mut c_void, now: *const ctu_progress) {
    // SAFETY: as above.
    unsafe {
        look_at_progress(now);
        host(data).progress.fetch_add(1, SeqCst);
    }
}

pub unsafe extern "C" fn progress_without_data(data: *mut c_void, now: *const ctu_progress) {
    assert!(data.is_null(), "user data came that no options held");
    // SAFETY: as above.
    unsafe { look_at_progress(now) };
}
