//! Scripts written by hand, for the seeds: the bytes of the steps that `calls` reads.

/// What a script begins with: how the host's functions behave, one byte a call, and honestly from there on.
fn begun(manners: &[u8]) -> Vec<u8> {
    let length = u8::try_from(manners.len()).unwrap_or(u8::MAX);
    [&[length], manners].concat()
}

/// A config with every table of the host, its tables whole, then a session of it.
fn opened(manners: &[u8]) -> Vec<u8> {
    // Of each table its concurrency, where it has one, and its size; then the liveness of the host.
    [begun(manners), vec![1, 0, 0, 0, 0, 0, 0, 1], vec![6, 0, 0]].concat()
}

/// A V1 task of a PU, whose number says its id, schema and state.
fn task(pu: u8, number: u8, suffix: u8) -> [u8; 8] {
    [29, 0, 0, 4, pu, number, suffix, 0]
}

/// A run of an operation (its place in the list of `calls`) with these flags and this mode of RECOVERY.
fn run(operation: u8, flags: u8, mode: u8) -> Vec<u8> {
    vec![8, 0, operation, 64, 0, flags, 0, mode, 0, 0, 0]
}

fn tasks() -> Vec<u8> {
    [task(0, 0, 0), task(1, 1, 1), task(2, 2, 2), task(0, 3, 3), task(1, 4, 0)].concat()
}

/// STATUS and UPGRADE, and a look at the report.
pub fn upgrade(manners: &[u8]) -> Vec<u8> {
    [opened(manners), tasks(), run(0, 4, 0), run(1, 1, 0), run(1, 0, 0), vec![21, 1, 0, 0, 0]].concat()
}

/// UPGRADE, a node that starts, and RECOVERY by downgrade.
pub fn there_and_back(manners: &[u8]) -> Vec<u8> {
    let node = vec![16, 0, 5, 1, 0];
    [opened(manners), tasks(), run(1, 0, 0), node, run(3, 8, 3), run(0, 4, 0), vec![21, 2, 0, 0, 0]].concat()
}

/// UPGRADE, DELETE, and a look at what is left.
pub fn delete(manners: &[u8]) -> Vec<u8> {
    [opened(manners), tasks(), run(1, 0, 0), run(5, 0, 0), run(0, 0, 0)].concat()
}

/// UPGRADE on a thread of the library, its progress, and its end.
pub fn jobs(manners: &[u8]) -> Vec<u8> {
    let start = vec![12, 0, 1, 64, 0, 0, 0, 0, 0, 0, 0];
    [opened(manners), tasks(), start, vec![14, 0, 2, 0], vec![14, 0, 3, 0], vec![27, 2, 0]].concat()
}

/// UPGRADE by options that end behind the progress function, before its user data.
pub fn short_options() -> Vec<u8> {
    let short = vec![8, 0, 1, 64, 0, 0, 0, 0, 0, 224, 32, 0, 0];
    [opened(&[]), tasks(), short].concat()
}

/// Tasks through their structs, of right and of wrong sizes.
pub fn structs() -> Vec<u8> {
    let mut script = begun(&[]);
    for (is_v2, size) in [(0, 0), (1, 0), (0, 230), (1, 245), (0, 255)] {
        // Ten texts, the place for the answer, the version, the fields, the size.
        script.extend([23, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, is_v2]);
        script.extend([0, 5, 1, 0, 1, 1, 1, 1, 1, 1, size, 8, 0, 0]);
        script.extend([25, 0, is_v2, size, 8]);
    }
    script.extend([24, 3, 1, 0, 0, 0, 25, 0, 0, 0, 26, 8, 0, 1, 3, 26, 11, 0, 2, 0]);
    script
}
