//! The bytes of the `ZooKeeper` protocol: big-endian numbers, strings and buffers behind their length, frames.

use super::fault::{Fault, Outcome};

/// The most bytes that an answer may have; the servers' own bound (`jute.maxbuffer`) is 1 MiB by default, and a list of
/// children may be longer.
pub(super) const FRAME_BYTES_LIMIT: usize = 64 << 20;

/// The calls that are used, by the protocol's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Create = 1,
    Delete = 2,
    Exists = 3,
    GetData = 4,
    Sync = 9,
    GetChildren2 = 12,
    Auth = 100,
    Close = -11,
}

/// A node in the words of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// The transaction that made the node: grows over the whole ensemble, never comes twice.
    pub(crate) czxid: i64,
    /// The session that an ephemeral node goes with; 0 for any other.
    pub(crate) ephemeral_owner: i64,
    /// The last transaction that made or removed a child.
    pub(crate) pzxid: i64,
}

/// What a request is put together with.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// A frame whose length is filled in at its end.
    pub(super) fn frame() -> Self {
        Self(vec![0; 4])
    }

    /// The header of a call.
    pub(super) fn call(xid: i32, op: Op) -> Self {
        Self::frame().int(xid).int(op as i32)
    }

    pub(super) fn int(mut self, value: i32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn long(mut self, value: i64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn flag(mut self, value: bool) -> Self {
        self.0.push(u8::from(value));
        self
    }

    /// A string, or bytes.
    pub(super) fn bytes(self, value: &[u8]) -> Self {
        // What is written here is bounded far below 2 GiB by the options and the names.
        let mut writer = self.int(i32::try_from(value.len()).unwrap_or(i32::MAX));
        writer.0.extend_from_slice(value);
        writer
    }

    /// The frame as it goes out.
    pub(super) fn end(mut self) -> Vec<u8> {
        let length = u32::try_from(self.0.len().saturating_sub(4)).unwrap_or(u32::MAX);
        if let Some(head) = self.0.get_mut(..4) {
            head.copy_from_slice(&length.to_be_bytes());
        }
        self.0
    }
}

/// What an answer is taken apart with. Never trusts a length.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take(&mut self, count: usize) -> Outcome<&'a [u8]> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or_else(|| Fault::protocol("an answer ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn int(&mut self) -> Outcome<i32> {
        let bytes = self.take(4)?.try_into().map_err(|_| Fault::protocol("no number"))?;
        Ok(i32::from_be_bytes(bytes))
    }

    pub(super) fn long(&mut self) -> Outcome<i64> {
        let bytes = self.take(8)?.try_into().map_err(|_| Fault::protocol("no number"))?;
        Ok(i64::from_be_bytes(bytes))
    }

    /// Bytes; a length of -1 is none.
    pub(super) fn bytes(&mut self) -> Outcome<&'a [u8]> {
        match self.int()? {
            -1 => Ok(&[]),
            length => self.take(usize::try_from(length).map_err(|_| Fault::protocol("a length below zero"))?),
        }
    }

    pub(super) fn text(&mut self) -> Outcome<String> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| Fault::protocol("a name that is not UTF-8"))
    }

    pub(super) fn texts(&mut self) -> Outcome<Vec<String>> {
        let count = self.int()?.max(0);
        (0..count).map(|_| self.text()).collect()
    }

    pub(super) fn stat(&mut self) -> Outcome<Stat> {
        let czxid = self.long()?;
        // mzxid, ctime, mtime, then version, cversion, aversion.
        self.take(3 * 8 + 3 * 4)?;
        let ephemeral_owner = self.long()?;
        // dataLength, numChildren.
        self.take(2 * 4)?;
        Ok(Stat { czxid, ephemeral_owner, pzxid: self.long()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_says_its_length_and_reads_back() {
        let frame = Writer::call(7, Op::Exists).bytes(b"/a").flag(true).long(-2).end();
        assert_eq!(frame[..4], 23_u32.to_be_bytes());
        let mut reader = Reader::new(&frame[4..]);
        assert_eq!((reader.int().unwrap(), reader.int().unwrap()), (7, 3));
        assert_eq!(reader.text().unwrap(), "/a");
        assert_eq!(reader.take(1).unwrap(), [1]);
        assert_eq!(reader.long().unwrap(), -2);
        assert!(reader.int().is_err());
    }

    #[test]
    fn no_length_is_trusted() {
        for bytes in [&[0x7f, 0xff, 0xff, 0xff, 1][..], &[0xff, 0xff, 0xff, 0xfe], &[0, 0]] {
            assert!(Reader::new(bytes).bytes().is_err(), "{bytes:?}");
            assert!(Reader::new(bytes).texts().is_err() || bytes[0] == 0xff, "{bytes:?}");
        }
        assert_eq!(Reader::new(&[0xff; 4]).bytes().unwrap(), b"");
        assert!(Reader::new(&[0, 0, 0, 2, 0xc3, 0x28]).text().is_err());
    }
}
