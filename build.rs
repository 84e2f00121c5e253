//! The C header from the Rust source, into `OUT_DIR`, and the SONAME and version node of the shared library.
//!
//! Nothing is downloaded, and the source tree is never written.

use std::path::PathBuf;

/// The ABI's major number: the SONAME ends in it. It changes only if the ABI ever breaks.
const SONAME: &str = "libcomptask_upgrade.so.1";

const HEADER_TOP: &str = "\
/* The C ABI of comptask-upgrade. Generated from src/capi by cbindgen; do not edit.
 *
 * - A fallible call returns NULL, or an error that the caller owns and ends with ctu_error_free.
 * - Order of arguments: self, inputs, outputs. Outputs are written on every path: NULL or zero on failure.
 * - Strings in are NUL-ended UTF-8 of at most 64 KiB and are copied. Strings out belong to the object they come from.
 * - Every _new and _open has a _free, which takes NULL. _close reports, _free only frees.
 * - A struct that crosses begins with its size: zero it, then set struct_size to its sizeof. A shorter one is an older
 *   caller's; of a longer one the rest must be zero.
 * - Nothing unwinds or aborts, no signal handler is set, no environment variable is read, but by the system's Kerberos
 *   library where HDFS asks for a ticket. No thread outlives its call;
 *   that of a job has ended when ctu_job_wait or ctu_job_free returns. The HDFS client libhdfs, where it is asked for, brings
 *   a JVM into the process, with its own threads and its handlers of faults, until the process ends.
 * - An object is used from one thread at a time, unless its comment says otherwise.
 */";

/// The files of `src/capi` whose items make up the header, in its order.
const HEADER_SOURCES: &[&str] = &[
    "version",
    "error",
    "buffer",
    "task",
    "reply",
    "host/storage",
    "host/lock",
    "host/catalog",
    "host/liveness",
    "host/codec",
    "host/log",
    "config",
    "session",
    "report",
    "job",
    "marks",
    "language",
];

fn main() {
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{SONAME}");
        // GNU ld alone gives every export the SONAME as its version node; rustc already hides all that is not exported.
        println!("cargo:rustc-cdylib-link-arg=-fuse-ld=bfd");
        println!("cargo:rustc-cdylib-link-arg=-Wl,--default-symver");
    }
    #[cfg(feature = "libhdfs")]
    compile_jvm_symbols();
    if let Err(error) = write_header() {
        println!("cargo:warning=the C header cannot be generated: {error}");
        std::process::exit(1);
    }
}

/// What libhdfs is linked with in libjvm's place. A library whose threads the JVM may still know is never unloaded.
#[cfg(feature = "libhdfs")]
fn compile_jvm_symbols() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    cc::Build::new()
        .file("src/storage/libhdfs/jvm_symbols.c")
        .flag("-fvisibility=hidden")
        .warnings_into_errors(true)
        .extra_warnings(true)
        .compile("ctu_jvm_symbols");
}

fn write_header() -> Result<(), Box<dyn std::error::Error>> {
    let crate_dir = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        header: Some(HEADER_TOP.to_owned()),
        include_guard: Some("COMPTASK_UPGRADE_H".to_owned()),
        no_includes: true,
        sys_includes: ["stdbool.h", "stddef.h", "stdint.h"].map(str::to_owned).to_vec(),
        cpp_compat: true,
        usize_is_size_t: true,
        documentation_style: cbindgen::DocumentationStyle::C99,
        line_length: 120,
        tab_width: 2,
        style: cbindgen::Style::Both,
        ..cbindgen::Config::default()
    };
    config.function.args = cbindgen::Layout::Auto;
    // The files of the border alone, so that no other public item of the crate gets into the header; not the boundary,
    // whose hooks are for the tests.
    let builder = HEADER_SOURCES.iter().fold(cbindgen::Builder::new().with_config(config), |builder, name| {
        builder.with_src(crate_dir.join("src/capi").join(name).with_extension("rs"))
    });
    builder.generate()?.write_to_file(out_dir.join("comptask_upgrade.h"));
    Ok(())
}
