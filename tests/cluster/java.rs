//! Java, and the jars of the servers.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rustix::fs::{flock, FlockOperation};

use super::Result;

/// A project file, and the folder under `target/` for what Maven makes of it.
struct Project {
    folder: &'static str,
    file: &'static str,
    text: &'static str,
}

/// The servers, for every test.
const SERVERS: Project = Project { folder: "test-cluster", file: "pom.xml", text: include_str!("pom.xml") };

/// The key distribution centre, for the tests of Kerberos alone.
const KDC: Project = Project { folder: "test-kdc", file: "kdc.xml", text: include_str!("kdc.xml") };

/// The `java` of `JAVA_HOME`, or else of `PATH`.
pub fn java() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty()) {
        let java = Path::new(&home).join("bin/java");
        return if java.is_file() { Ok(java) } else { Err(format!("JAVA_HOME has no {}", java.display())) };
    }
    on_path("java").ok_or_else(|| {
        "the test cluster needs Java, and there is no java on PATH and no JAVA_HOME: run `make setup-cluster`"
            .to_owned()
    })
}

/// The options by which libhdfs starts a machine with the servers' own Java and jars.
pub fn for_libhdfs() -> Result<[(&'static str, String); 3]> {
    let java = java()?;
    let real = fs::canonicalize(&java).map_err(|error| format!("{}: {error}", java.display()))?;
    let home = real.ancestors().nth(2).ok_or_else(|| format!("{} is in no Java home", real.display()))?;
    Ok([
        ("java_home", home.display().to_string()),
        ("class_path", format!("{}/*", jars()?.display())),
        ("jvm_options", "-Xmx512m".to_owned()),
    ])
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// The folder with the jars of the servers. Maven copies them once; test processes that start together wait for the one
/// that does.
pub fn jars() -> Result<&'static Path> {
    static JARS: OnceLock<Result<PathBuf>> = OnceLock::new();
    JARS.get_or_init(|| copy_jars(&SERVERS)).as_deref().map_err(Clone::clone)
}

/// The folder with the jars of the key distribution centre, in the same way.
pub fn kdc_jars() -> Result<&'static Path> {
    static JARS: OnceLock<Result<PathBuf>> = OnceLock::new();
    JARS.get_or_init(|| copy_jars(&KDC)).as_deref().map_err(Clone::clone)
}

fn copy_jars(project: &Project) -> Result<PathBuf> {
    let home = target()?.join(project.folder);
    let told = |what: &str, path: &Path, error: std::io::Error| format!("{what} {}: {error}", path.display());
    fs::create_dir_all(&home).map_err(|error| told("cannot make", &home, error))?;
    let lock = home.join("lock");
    let file = File::create(&lock).map_err(|error| told("cannot make", &lock, error))?;
    flock(&file, FlockOperation::LockExclusive).map_err(|error| told("cannot lock", &lock, error.into()))?;

    let (jars, made_from) = (home.join("jars"), home.join("pom.xml"));
    if jars.is_dir() && fs::read_to_string(&made_from).is_ok_and(|pom| pom == project.text) {
        return Ok(jars);
    }
    let staged = home.join("jars.staged");
    for old in [&jars, &staged] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(|error| told("cannot remove", old, error))?;
        }
    }
    let maven = on_path("mvn").ok_or_else(|| {
        "the test cluster needs Maven for its jars, and there is no mvn on PATH: run `make setup-cluster`".to_owned()
    })?;
    let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster").join(project.file);
    let copied = Command::new(maven)
        .args(["--batch-mode", "--quiet", "--file"])
        .arg(&pom)
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", staged.display()))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("Maven cannot be started: {error}"))?;
    if !copied.status.success() {
        let said = String::from_utf8_lossy(&copied.stdout);
        let first = said.lines().find(|line| line.contains("ERROR")).unwrap_or("it said nothing");
        return Err(format!("Maven cannot copy the jars of the test cluster ({}): {first}", copied.status));
    }
    fs::rename(&staged, &jars).map_err(|error| told("cannot rename", &staged, error))?;
    // Last: a copy that was cut short is made again.
    fs::write(&made_from, project.text).map_err(|error| told("cannot write", &made_from, error))?;
    Ok(jars)
}

/// Cargo's target folder: a test is in `target/<profile>/deps`, an example in `target/<profile>/examples`.
fn target() -> Result<PathBuf> {
    let program = std::env::current_exe().map_err(|error| format!("this program's own path is unknown: {error}"))?;
    program
        .ancestors()
        .nth(3)
        .map(Path::to_owned)
        .ok_or_else(|| format!("{} is not in a target folder of cargo", program.display()))
}
