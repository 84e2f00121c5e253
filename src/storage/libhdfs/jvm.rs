//! The process's Java machine: the host's where it has one, else one that is started here. It can neither be ended nor
//! started again, so it outlives every storage.

use std::ffi::{c_void, CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;

use jni::sys::{jint, JavaVMInitArgs, JavaVMOption, JNI_VERSION_1_8};
use jni::JavaVM;
use parking_lot::Mutex;

use super::super::hdfs::jvm_options::JvmOptions;
use crate::error::{Error, ErrorKind, Result};

/// Two threads that start a machine at once would have one of them fail.
static STARTING: Mutex<()> = Mutex::new(());

/// Where a Java home keeps its machine: since Java 9, and before.
const PLACES: [&str; 3] = ["lib/server/libjvm.so", "jre/lib/ARCH/server/libjvm.so", "lib/ARCH/server/libjvm.so"];

const STACK_BYTES: usize = 8 << 20;

extern "C" {
    // jvm_symbols.c: they pass on to the libjvm that is loaded.
    fn JNI_GetCreatedJavaVMs(machines: *mut *mut jni::sys::JavaVM, capacity: jint, count: *mut jint) -> jint;
    fn JNI_CreateJavaVM(
        machine: *mut *mut jni::sys::JavaVM,
        environment: *mut *mut c_void,
        arguments: *mut c_void,
    ) -> jint;
}

/// The machine of this process.
///
/// # Errors
/// `InvalidArgument` where there is none yet and what is needed to start one is missing or wrong.
pub(super) fn find_or_start(options: &JvmOptions, conf_dir: Option<&Path>) -> Result<JavaVM> {
    let _one_at_a_time = STARTING.lock();
    if let Some(machine) = created()? {
        return Ok(machine);
    }
    load(options)?;
    let class_path = class_path(options, conf_dir)?;
    let mut arguments = vec![
        format!("-Djava.class.path={class_path}"),
        // The host's signals stay the host's: without this a Ctrl-C would end the process inside the machine.
        "-Xrs".to_owned(),
    ];
    arguments.extend(options.options.iter().cloned());
    // Whoever starts a machine is its main thread until it leaves, so the caller's thread is not used.
    let started = std::thread::Builder::new()
        .name("ctu-jvm-start".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || start(&arguments))
        .map_err(|error| Error::new(ErrorKind::RetryLater, format!("no thread can be started: {error}")))?;
    started.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the start of the JVM broke off")))?;
    created()?.ok_or_else(|| Error::new(ErrorKind::Internal, "the JVM was started and is not there"))
}

fn created() -> Result<Option<JavaVM>> {
    let (mut machine, mut count) = (ptr::null_mut(), 0);
    // SAFETY: there is room for one machine and for the count, and a process never has more than one.
    let code = unsafe { JNI_GetCreatedJavaVMs(&raw mut machine, 1, &raw mut count) };
    if code != 0 {
        return Err(Error::new(ErrorKind::Internal, format!("the JVM of this process does not answer (code {code})")));
    }
    if count == 0 || machine.is_null() {
        return Ok(None);
    }
    // SAFETY: it is a machine's own pointer, which is good until the process ends.
    let machine = unsafe { JavaVM::from_raw(machine) };
    machine.map(Some).map_err(|error| Error::new(ErrorKind::Internal, format!("the JVM cannot be used: {error}")))
}

/// Loads libjvm for good: from the Java home, or from where the loader finds it.
pub(super) fn load(given: &JvmOptions) -> Result<()> {
    let library = match &given.java_home {
        None => PathBuf::from("libjvm.so"),
        Some(home) => library_of(home)?,
    };
    let name = CString::new(library.as_os_str().as_bytes())
        .map_err(|_| Error::new(ErrorKind::InvalidArgument, "the option java_home has a NUL in it"))?;
    // SAFETY: the name ends in a NUL; libjvm's own initialisers are trusted as the JVM itself is.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    if !handle.is_null() {
        return Ok(());
    }
    // SAFETY: dlerror gives NULL or a string that is good until this thread's next call of the loader.
    let reason = unsafe {
        let text = libc::dlerror();
        if text.is_null() {
            "the loader does not say why".to_owned()
        } else {
            CStr::from_ptr(text).to_string_lossy().into_owned()
        }
    };
    let text = format!("the client libhdfs needs a JVM, and libjvm.so cannot be loaded: {reason}");
    Err(Error::new(ErrorKind::InvalidArgument, text).advise(
        "set the option java_home to a JDK or JRE of version 8 or later, or jvm_from_environment to true where \
         JAVA_HOME names one",
    ))
}

fn library_of(home: &Path) -> Result<PathBuf> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        other => other,
    };
    let places = PLACES.map(|place| home.join(place.replace("ARCH", architecture)));
    places.into_iter().find(|library| library.is_file()).ok_or_else(|| {
        let text = format!("the option java_home names no Java home: it has no {}", PLACES[0]);
        Error::new(ErrorKind::InvalidArgument, text).at(home.display())
    })
}

/// The class path as a JVM takes it, each jar by its name; the configuration first, so that what it says of Kerberos
/// holds for the whole machine.
pub(super) fn class_path(options: &JvmOptions, conf_dir: Option<&Path>) -> Result<String> {
    let mut entries: Vec<String> = conf_dir.iter().map(|folder| folder.display().to_string()).collect();
    let given = options.class_path.as_deref().unwrap_or_default();
    for entry in given.split(':').filter(|entry| !entry.is_empty()) {
        match entry.strip_suffix("/*") {
            None => entries.push(entry.to_owned()),
            Some(folder) => entries.extend(jars(Path::new(folder))?),
        }
    }
    if given.is_empty() {
        let text = "the client libhdfs starts a JVM and has no class path for it";
        return Err(Error::new(ErrorKind::InvalidArgument, text).advise(
            "set the option class_path to what `hadoop classpath --glob` prints, or jvm_from_environment to true \
             where CLASSPATH holds it",
        ));
    }
    Ok(entries.join(":"))
}

fn jars(folder: &Path) -> Result<Vec<String>> {
    let told = |error: std::io::Error| {
        let text = format!("a folder of the option class_path cannot be listed: {error}");
        Error::new(ErrorKind::InvalidArgument, text).at(folder.display())
    };
    let mut jars = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("jar")) {
            jars.push(path.display().to_string());
        }
    }
    // A folder has no order of its own, and which of two jars comes first should not be chance.
    jars.sort();
    Ok(jars)
}

fn start(arguments: &[String]) -> Result<()> {
    let nul = |_| Error::new(ErrorKind::InvalidArgument, "an option of the JVM has a NUL in it");
    let texts: Vec<CString> =
        arguments.iter().map(|text| CString::new(text.as_str()).map_err(nul)).collect::<Result<_>>()?;
    let mut options: Vec<JavaVMOption> = texts
        .iter()
        .map(|text| JavaVMOption { optionString: text.as_ptr().cast_mut(), extraInfo: ptr::null_mut() })
        .collect();
    let count = jint::try_from(options.len())
        .map_err(|_| Error::new(ErrorKind::InvalidArgument, "too many options of the JVM"))?;
    let mut given = JavaVMInitArgs {
        version: JNI_VERSION_1_8,
        nOptions: count,
        options: options.as_mut_ptr(),
        ignoreUnrecognized: jni::sys::JNI_FALSE,
    };
    let (mut machine, mut environment) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the arguments, their options and the texts of these outlive the call, which copies them.
    let code = unsafe { JNI_CreateJavaVM(&raw mut machine, &raw mut environment, (&raw mut given).cast()) };
    if code != 0 || machine.is_null() {
        let text = format!("the JVM cannot be started (code {code}); what it says of it is on standard error");
        return Err(Error::new(ErrorKind::InvalidArgument, text).advise("see the options jvm_options and java_home"));
    }
    // SAFETY: the machine was started on this very thread, which leaves it before it ends.
    let left = unsafe { (**machine).DetachCurrentThread.map(|detach| detach(machine)) };
    match left {
        Some(0) => Ok(()),
        code => Err(Error::new(ErrorKind::Internal, format!("the thread that started the JVM cannot leave: {code:?}"))),
    }
}
