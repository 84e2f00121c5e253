//! Manifests and parts: nothing in one may panic or take much memory; what is read is written and read again as the same
//! lines; parts that are put together hold each name once and in order.

#![no_main]

use std::collections::BTreeMap;

use comptask_upgrade::plan::manifest::{merge, Head, Line, Reader, Writer};
use comptask_upgrade::ErrorKind;
use fuzzing::memory::bounded;
use fuzzing::sealed_manifest;
use libfuzzer_sys::fuzz_target;

/// The lines of a manifest, where all can be read.
fn lines_of(bytes: &[u8]) -> Option<(Head, Vec<Line>)> {
    let read = bounded(bytes.len(), 16, || {
        let reader = Reader::new(bytes.to_vec())?;
        let lines = reader.lines().collect::<Result<Vec<_>, _>>()?;
        Ok((reader.head().clone(), lines))
    });
    read.inspect_err(|error: &comptask_upgrade::Error| assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}")).ok()
}

fn written(head: &Head, lines: &[Line]) -> Vec<u8> {
    let mut writer = Writer::new(head).expect("a head can be written");
    for line in lines {
        writer.line(line).expect("a line can be written");
    }
    writer.finish().expect("a tail can be written")
}

fn check(bytes: &[u8]) {
    let Some((head, lines)) = lines_of(bytes) else { return };
    let again = written(&head, &lines);
    assert_eq!(lines_of(&again), Some((head.clone(), lines.clone())));
    check_merge(&head, &lines);
}

/// The lines dealt out to three parts, each in the order of its names as a run writes them.
fn check_merge(head: &Head, lines: &[Line]) {
    let mut dealt: [BTreeMap<String, Line>; 3] = Default::default();
    for (place, line) in lines.iter().enumerate() {
        dealt[place % 3].insert(line.v1.clone(), line.clone());
    }
    let mut expected = BTreeMap::new();
    for part in &dealt {
        expected.extend(part.clone());
    }
    let parts = dealt.iter().filter_map(|part| {
        let lines: Vec<Line> = part.values().cloned().collect();
        Some((lines.first()?.v1.clone(), written(head, &lines)))
    });
    let mut merged = Vec::new();
    let done = merge(parts.collect(), Reader::new, |line| {
        merged.push(line);
        Ok(())
    });
    done.expect("whole parts can be put together");
    assert_eq!(merged, expected.into_values().collect::<Vec<_>>());
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&sealed_manifest(bytes));
});
