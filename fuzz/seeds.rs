//! Writes the committed seeds anew: `cd fuzz && cargo run --release --locked --example seeds`.

use std::path::Path;

use comptask_upgrade::plan::manifest::{Head, Line, Writer};
use comptask_upgrade::task::{content_sum, to_v2, StateV2, V1Base};
use comptask_upgrade::{Codec, DefaultCodec};
use fuzzing::c_abi::{sample_v1, steps};

type Done<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn write(target: &str, name: &str, bytes: impl AsRef<[u8]>) -> Done {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(folder.join(name), bytes)?)
}

/// Whole files, and their payloads alone, which the targets wrap themselves.
fn tasks() -> Done {
    for number in [0, 7] {
        let file = sample_v1(1, number);
        let v1 = DefaultCodec.decode_v1(&file)?;
        let v2 = to_v2(&v1, &v1.base().v2_id(3)?, StateV2::Init, "pc1", "n1");
        for (target, file) in [("v1_bytes", file), ("v2_bytes", DefaultCodec.encode_v2(&v2)?)] {
            write(target, &format!("payload_{number}"), &file[10..file.len() - 4])?;
            write(target, &format!("file_{number}"), file)?;
        }
    }
    Ok(())
}

fn names() -> Done {
    let names = [
        "compct.xcloud24_9876.0.1617693156000",
        "compct.a.b.2147483647.1.Done",
        "compct.p.0.1.Assigned",
        "compct.p.0.1.upgrade",
        "compct.p.0.1.%75pgrade",
        "compct.p.0.1.",
        "aaaaffff.16176931.56000000.0",
        "aaaaffff.16176931.56000000.0.compct%2Ep%2E0%2E1",
        "aaaaffff.16176931.56000000.0.downgrade",
        "aaaaffff.16176931.56000000.0.failed",
        "Manager.aaaaffff.16176931.56000000.0",
        "TaskInfo.pc%2Etwo.d%2Fb",
        "TaskInfo..sales",
        "Status.Running",
        "Manifest.2",
        "Mode.downgrade_old",
        "Part.1-a.0",
        "Compaction_V2/.staging/x",
        "a|b.c",
    ];
    names.iter().enumerate().try_for_each(|(place, name)| write("names", &format!("name_{place}"), name))
}

fn manifests() -> Done {
    let head = Head::new("1-a", "host", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", Some(7));
    for count in [0, 1, 4] {
        let mut writer = Writer::new(&head)?;
        for number in 0..count {
            let base = V1Base { pu: "p".to_owned(), seq: number, ts: 1_617_693_156_000 };
            writer.line(&Line {
                v1: format!("{base}.Done"),
                v1_length: 100,
                v1_xxh64: content_sum(b"v1"),
                v2: base.v2_id(0)?.to_string(),
                v2_xxh64: content_sum(b"v2"),
                state: "Done".to_owned(),
                pc: "pc1".to_owned(),
                node: "n1".to_owned(),
                cancelled: number == 1,
            })?;
        }
        let whole = writer.finish()?;
        let tail_at = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap_or(0) + 1;
        write("manifest", &format!("lines_{count}"), &whole[..tail_at])?;
        write("manifest", &format!("whole_{count}"), whole)?;
    }
    Ok(())
}

fn catalogs() -> Done {
    let some = r#"{"process_groups":[{"name":"pc1","nodes":["n1"]},{"name":"pc2","nodes":[]}],"nodes":["n2","n1"],
"schemas":[{"db":"d","schema":"s","process_groups":["pc2","pc1"]},{"db":"d","schema":"t","process_groups":[]}]}"#;
    let none = r#"{"process_groups":[],"nodes":["n1"],"schemas":[{"db":"d","schema":"s","process_groups":[]}]}"#;
    write("catalog_snapshot", "some", some)?;
    write("catalog_snapshot", "without_pcs", none)?;
    write("catalog_snapshot", "empty", r#"{"process_groups":[],"nodes":[],"schemas":[]}"#)
}

/// Whole lives of a cluster, from which the fuzzer goes astray.
fn scripts() -> Done {
    let honest: &[u8] = &[];
    for (name, script) in [
        ("upgrade", steps::upgrade(honest)),
        ("there_and_back", steps::there_and_back(honest)),
        ("delete", steps::delete(honest)),
        ("jobs", steps::jobs(honest)),
        (
            "lost_replies",
            steps::there_and_back(&[[0; 30].as_slice(), &[248, 10, 0, 0, 243, 9, 0, 255, 0, 251]].concat()),
        ),
        ("structs", steps::structs()),
        ("short_options", steps::short_options()),
    ] {
        write("c_abi", name, script)?;
    }
    Ok(())
}

fn main() -> Done {
    tasks()?;
    names()?;
    manifests()?;
    catalogs()?;
    scripts()
}
