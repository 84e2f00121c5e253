//! The manifest and its parts: which V1 file became which V2 task, in JSON lines with a checksum.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::layout::V1Name;
use crate::task::{crc32c_hex, ContentSum, StateV2, V2Id};

const FORMAT: &str = "comptask-upgrade/manifest/1";

/// The first line: which run wrote it. The only place in the final trees where two courses of an upgrade may differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    format: String,
    /// The run's name.
    pub run: String,
    /// The library's version.
    pub library: String,
    /// The host it ran on.
    pub host: String,
    /// When the run began, RFC 3339 in UTC.
    pub begun: String,
    /// When it wrote this, RFC 3339 in UTC.
    pub finished: String,
    /// The change id of the PU registry, where there is one.
    pub pu_change_id: Option<i64>,
    /// Whether it ran inside a running node, so that nodes were up all the time.
    #[serde(default)]
    pub online: bool,
    /// Which of the manifests it is that a run wrote together, from 1 on; `None` where it wrote one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece: Option<u32>,
    /// How many these are: all of them prove what was upgraded, and one that is missing is missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces: Option<u32>,
}

impl Head {
    /// A head of the current format.
    pub fn new(run: &str, host: &str, begun: &str, finished: &str, pu_change_id: Option<i64>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            run: run.to_owned(),
            library: env!("CARGO_PKG_VERSION").to_owned(),
            host: host.to_owned(),
            begun: begun.to_owned(),
            finished: finished.to_owned(),
            pu_change_id,
            online: false,
            piece: None,
            pieces: None,
        }
    }
}

/// One task: what it was and what it became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The V1 file's name.
    pub v1: String,
    /// Its length in bytes.
    pub v1_length: u64,
    /// The sum of its bytes.
    pub v1_xxh64: ContentSum,
    /// The V2 id.
    pub v2: String,
    /// The sum of the bytes of its `TaskInfo`.
    pub v2_xxh64: ContentSum,
    /// The V2 state's word.
    pub state: String,
    /// The PC; may be empty.
    pub pc: String,
    /// The node; may be empty.
    pub node: String,
    /// Whether the placement made it Cancel.
    pub cancelled: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Tail {
    count: u64,
    crc32c: String,
}

/// Writes a manifest, or a part, line by line.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    count: u64,
}

impl Writer {
    /// A manifest with its head.
    pub fn new(head: &Head) -> Result<Self> {
        let mut writer = Self { bytes: Vec::new(), count: 0 };
        writer.write(head)?;
        Ok(writer)
    }

    /// One more task. The caller keeps the byte order of the V1 names.
    pub fn line(&mut self, line: &Line) -> Result<()> {
        self.count += 1;
        self.write(line)
    }

    /// How many tasks it has.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The whole of it, with the tail.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        let tail = Tail { count: self.count, crc32c: crc32c_hex(&self.bytes) };
        self.write(&tail)?;
        Ok(self.bytes)
    }

    fn write(&mut self, value: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.bytes, value)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("a manifest line cannot be written: {error}")))?;
        self.bytes.push(b'\n');
        Ok(())
    }
}

/// A manifest or part whose checksum and count hold; its lines are parsed as they are asked for.
#[derive(Debug)]
pub struct Reader {
    bytes: Vec<u8>,
    head: Head,
    lines_at: usize,
    tail_at: usize,
}

impl Reader {
    /// The manifest in these bytes, or `Corrupt` with the offset and the reason.
    pub fn new(bytes: Vec<u8>) -> Result<Self> {
        let Some(body) = bytes.strip_suffix(b"\n") else {
            return Err(corrupt(bytes.len(), "it does not end in a line"));
        };
        let tail_at = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let tail: Tail = parse_line(&bytes[tail_at..], tail_at)?;
        let computed = crc32c_hex(&bytes[..tail_at]);
        if tail.crc32c != computed {
            return Err(corrupt(tail_at, &format!("its CRC32C is {computed}, its tail says {}", tail.crc32c)));
        }
        let lines_at = bytes[..tail_at].iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let head: Head = parse_line(&bytes[..lines_at], 0)?;
        if head.format != FORMAT {
            return Err(corrupt(0, &format!("its format is {:?}, not {FORMAT:?}", head.format)));
        }
        let count = bytes[lines_at..tail_at].split_inclusive(|byte| *byte == b'\n').count() as u64;
        if count != tail.count {
            return Err(corrupt(tail_at, &format!("it has {count} lines, its tail says {}", tail.count)));
        }
        Ok(Self { bytes, head, lines_at, tail_at })
    }

    /// Its head.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Its lines, in their order.
    pub fn lines(&self) -> impl Iterator<Item = Result<Line>> + '_ {
        let mut at = self.lines_at;
        std::iter::from_fn(move || {
            let line = self.line_at(at)?;
            at = line.1;
            Some(line.0)
        })
    }

    /// The line at an offset and the offset of the next one; `None` at the tail.
    fn line_at(&self, at: usize) -> Option<(Result<Line>, usize)> {
        let rest = self.bytes.get(at..self.tail_at).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        Some((parse_line(&rest[..length], at).and_then(|line| checked(line, at)), at + length))
    }
}

/// Puts parts together in the byte order of the V1 names, each part read when its first name is reached.
///
/// A task that stands in several parts is written once; the last one given is right, since a later run looked again.
pub fn merge<P>(
    parts: Vec<(String, P)>,
    mut open: impl FnMut(P) -> Result<Reader>,
    mut sink: impl FnMut(Line) -> Result<()>,
) -> Result<()> {
    let mut parts: Vec<(usize, (String, P))> = parts.into_iter().enumerate().collect();
    parts.sort_by(|left, right| left.1 .0.cmp(&right.1 .0));
    let mut waiting = parts.into_iter().peekable();
    let mut cursors: Vec<Cursor> = Vec::new();
    loop {
        let first = cursors.iter().min_by(|left, right| left.order(right)).map(|cursor| cursor.line.v1.clone());
        // A part that begins at or before the first open name may hold the next line.
        if let Some((_, (name, _))) = waiting.peek() {
            if first.as_ref().is_none_or(|first| name <= first) {
                if let Some((age, (_, part))) = waiting.next() {
                    cursors.extend(Cursor::open(age, open(part)?)?);
                }
                continue;
            }
        }
        let Some(name) = first else { return Ok(()) };
        let mut chosen: Option<(usize, Line)> = None;
        let mut kept = Vec::with_capacity(cursors.len());
        for cursor in cursors {
            if cursor.line.v1 != name {
                kept.push(cursor);
                continue;
            }
            if chosen.as_ref().is_none_or(|(age, _)| cursor.age >= *age) {
                chosen = Some((cursor.age, cursor.line.clone()));
            }
            kept.extend(cursor.next()?);
        }
        cursors = kept;
        if let Some((_, line)) = chosen {
            sink(line)?;
        }
    }
}

/// A line whose names are names: nothing else may be made a path of.
fn checked(line: Line, at: usize) -> Result<Line> {
    let is_task = V1Name::parse(&line.v1).is_some() && V2Id::parse(&line.v2).is_some();
    if is_task && StateV2::from_word(&line.state).is_some() {
        Ok(line)
    } else {
        Err(corrupt(at, &format!("{:?}, {:?} in state {:?} is no task", line.v1, line.v2, line.state)))
    }
}

struct Cursor {
    age: usize,
    reader: Reader,
    line: Line,
    next_at: usize,
}

impl Cursor {
    fn open(age: usize, reader: Reader) -> Result<Option<Self>> {
        let Some((line, next_at)) = reader.line_at(reader.lines_at) else { return Ok(None) };
        Ok(Some(Self { age, line: line?, reader, next_at }))
    }

    fn next(mut self) -> Result<Option<Self>> {
        let Some((line, next_at)) = self.reader.line_at(self.next_at) else { return Ok(None) };
        (self.line, self.next_at) = (line?, next_at);
        Ok(Some(self))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.line.v1.cmp(&other.line.v1)
    }
}

fn parse_line<'a, T: Deserialize<'a>>(line: &'a [u8], at: usize) -> Result<T> {
    serde_json::from_slice(line).map_err(|error| corrupt(at, &format!("a line cannot be read: {error}")))
}

fn corrupt(offset: usize, reason: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("at offset {offset}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head::new("r", "h", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", None)
    }

    fn sum(text: &str) -> ContentSum {
        text.to_owned().try_into().unwrap()
    }

    fn line(v1: &str, pc: &str) -> Line {
        Line {
            v1: format!("compct.{v1}.0.1"),
            v1_length: 9,
            v1_xxh64: sum("000000000000000a"),
            v2: "q.0".into(),
            v2_xxh64: sum("000000000000000b"),
            state: "Init".into(),
            pc: pc.into(),
            node: "n".into(),
            cancelled: false,
        }
    }

    fn written(lines: &[Line]) -> Vec<u8> {
        let mut writer = Writer::new(&head()).unwrap();
        for line in lines {
            writer.line(line).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let lines = [line("a", "x"), line("b\"\\\u{1}中", "")];
        let reader = Reader::new(written(&lines)).unwrap();
        assert_eq!(reader.head(), &head());
        assert_eq!(reader.lines().collect::<Result<Vec<_>>>().unwrap(), lines);
        assert_eq!(Reader::new(written(&[])).unwrap().lines().count(), 0);
    }

    #[test]
    fn the_text_of_a_line_is_the_format() {
        let text = String::from_utf8(written(&[line("a", "x")])).unwrap();
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(
            rows[1],
            r#"{"v1":"compct.a.0.1","v1_length":9,"v1_xxh64":"000000000000000a","v2":"q.0","v2_xxh64":"000000000000000b","state":"Init","pc":"x","node":"n","cancelled":false}"#
        );
        assert!(rows[0].starts_with(r#"{"format":"comptask-upgrade/manifest/1","run":"r","library":""#));
        let before = format!("{}\n{}\n", rows[0], rows[1]);
        assert_eq!(rows[2], format!(r#"{{"count":1,"crc32c":"{}"}}"#, crc32c_hex(before.as_bytes())));
    }

    #[test]
    fn a_manifest_torn_or_flipped_anywhere_is_corrupt() {
        let whole = written(&[line("a", "x"), line("b", "y")]);
        for length in 0..whole.len() {
            assert!(Reader::new(whole[..length].to_vec()).is_err(), "{length}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            let read = Reader::new(bytes).and_then(|reader| reader.lines().collect::<Result<Vec<_>>>());
            assert!(read.is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_line_that_would_lead_elsewhere_is_corrupt() {
        for (v1, v2) in [("compct.a/../../x.0.1", "q.0"), ("compct.a.0.1", "../q.0"), ("other", "q.0")] {
            let bad = Line { v1: v1.into(), v2: v2.into(), ..line("a", "x") };
            let read = Reader::new(written(&[bad])).unwrap().lines().collect::<Result<Vec<_>>>();
            assert_eq!(read.unwrap_err().kind(), ErrorKind::Corrupt, "{v1} {v2}");
        }
    }

    fn merged(parts: &[&[Line]]) -> Vec<Line> {
        let parts = parts.iter().map(|lines| (lines[0].v1.clone(), written(lines))).collect();
        let mut lines = Vec::new();
        merge(parts, Reader::new, |line| {
            lines.push(line);
            Ok(())
        })
        .unwrap();
        lines
    }

    #[test]
    fn parts_are_put_together_in_order_whatever_they_overlap() {
        let lines: Vec<Line> = ["a", "b", "c", "d", "e"].map(|name| line(name, "x")).into();
        assert_eq!(merged(&[&lines[2..], &lines[..2]]), lines);
        let (odd, even) =
            ([lines[0].clone(), lines[2].clone(), lines[4].clone()], [lines[1].clone(), lines[3].clone()]);
        assert_eq!(merged(&[&even, &odd]), lines);
        assert_eq!(merged(&[&lines, &lines[1..3]]), lines, "twice is once");
        let (old, new) = ([line("a", "x"), line("b", "old")], [line("b", "new"), line("c", "x")]);
        assert_eq!(merged(&[&old, &new])[1].pc, "new", "the last one given is right");
        assert_eq!(merged(&[&new, &old])[1].pc, "old", "whatever the order of their first names");
    }

    #[test]
    fn parts_are_opened_when_their_first_name_is_reached() {
        let names = ["a", "b", "c"];
        let open_at = std::cell::RefCell::new(Vec::new());
        let written_names = std::cell::Cell::new(0);
        merge(
            names.iter().map(|name| (line(name, "x").v1, *name)).collect(),
            |name| {
                open_at.borrow_mut().push((name, written_names.get()));
                Reader::new(written(&[line(name, "x")]))
            },
            |_| {
                written_names.set(written_names.get() + 1);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(*open_at.borrow(), [("a", 0), ("b", 1), ("c", 2)]);
    }
}
