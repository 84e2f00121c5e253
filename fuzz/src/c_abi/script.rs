//! The bytes of a script, read as choices.

use std::ffi::{c_char, CString};
use std::mem::size_of;

use arbitrary::Unstructured;

/// The guard after a struct that is filled in: nothing may be written there.
const GUARD: u8 = 0xA5;
/// The library reads no struct of more bytes.
const STRUCT_BYTES_LIMIT: usize = 4_096;

const WORDS: [&[u8]; 24] = [
    b"",
    b"n1",
    b"n2",
    b"upgrade",
    b"a.b/c:%",
    b"pc1",
    b"d",
    b"s",
    b"compct.p.0.1617693156000",
    b"compct.q.0.1617693156000",
    b"compct.p.1.5",
    b"compct.p.1.5.Done",
    b"compct.p.0.99999999999999999999",
    b"../x",
    b"/nonexistent/comptask",
    b"file://x",
    b"hdfs://host:1/x",
    b"host:2181/chroot",
    b"native",
    b"user",
    b"true",
    b"recovery",
    b"line\nbreak\x01",
    b"\xff\xfe not UTF-8",
];

/// A script, read from its beginning; what is past its end is zero.
pub struct Script<'a> {
    bytes: Unstructured<'a>,
}

impl<'a> Script<'a> {
    /// The script in these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: Unstructured::new(bytes) }
    }

    /// Whether nothing is left of it.
    pub fn is_over(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.bytes.arbitrary().unwrap_or_default()
    }

    /// The next number, small or at the rim of its type.
    pub fn number(&mut self) -> i64 {
        match self.byte() {
            255 => i64::MAX,
            254 => i64::MIN,
            253 => i64::from(i32::MAX),
            252 => i64::from(i32::MIN),
            251 => i64::from(u32::MAX),
            250 => -1,
            249 => self.bytes.arbitrary().unwrap_or_default(),
            small => i64::from(small),
        }
    }

    /// Whether something with a chance of one in sixteen happens.
    pub fn rarely(&mut self) -> bool {
        self.byte() & 0x0F == 0x0F
    }

    /// Whether something with a chance of one in two happens.
    pub fn even(&mut self) -> bool {
        self.byte() & 1 == 0
    }

    /// The next few bytes.
    pub fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.bytes.len());
        self.bytes.bytes(length).unwrap_or_default()
    }

    /// A text: a word of the list, bytes of the script, a text that is too long, or NULL.
    pub fn text(&mut self) -> Text {
        match self.byte() {
            255 => Text(None),
            254 => Text(CString::new(vec![b'x'; 70_000]).ok()),
            253 => Text(CString::new(self.bytes().split(|byte| *byte == 0).next().unwrap_or_default()).ok()),
            choice => Text(CString::new(WORDS[usize::from(choice) % WORDS.len()]).ok()),
        }
    }

    /// A struct for the library to read: `fill` sets its fields, the script its size.
    pub fn read_struct<T>(&mut self, value: &T) -> Struct {
        let mut made = Struct::zeroed(self.size(size_of::<T>()));
        // SAFETY: the place is larger than any struct of the ABI, and aligned.
        unsafe { std::ptr::copy_nonoverlapping(std::ptr::from_ref(value).cast(), made.bytes(), size_of::<T>()) };
        if made.size > size_of::<T>() && made.size <= STRUCT_BYTES_LIMIT && self.rarely() {
            // SAFETY: within the place.
            unsafe { made.bytes().add(made.size - 1).write(1) };
        }
        made.set_size();
        made
    }

    /// A struct for the library to fill in, full of what was there before.
    pub fn filled_struct<T>(&mut self) -> Struct {
        let mut made = Struct::zeroed(self.size(size_of::<T>()));
        // SAFETY: within the place.
        unsafe { made.bytes().write_bytes(GUARD, Struct::BYTES) };
        made.set_size();
        made
    }

    fn size(&mut self, right: usize) -> usize {
        match self.byte() {
            0..=223 => right,
            224..=239 => usize::from(self.byte()) % right,
            240..=251 => right + usize::from(self.byte()),
            252 => STRUCT_BYTES_LIMIT,
            253 => STRUCT_BYTES_LIMIT + 1,
            254 => usize::MAX,
            _ => 0,
        }
    }
}

/// A text for C, or NULL.
pub struct Text(Option<CString>);

impl Text {
    /// As C sees it; lives as long as the text.
    pub fn pointer(&self) -> *const c_char {
        self.0.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
    }
}

/// A struct in a place that is larger than any, so that whatever size it claims can be read there.
pub struct Struct {
    words: Vec<u64>,
    size: usize,
}

impl Struct {
    const BYTES: usize = STRUCT_BYTES_LIMIT + 64;

    fn zeroed(size: usize) -> Self {
        Self { words: vec![0; Self::BYTES / 8], size }
    }

    fn bytes(&mut self) -> *mut u8 {
        self.words.as_mut_ptr().cast()
    }

    fn set_size(&mut self) {
        // SAFETY: the first field of every struct of the ABI is its size.
        unsafe { self.place::<usize>().write(self.size) };
    }

    /// Where it lies.
    pub fn place<T>(&mut self) -> *mut T {
        self.words.as_mut_ptr().cast()
    }

    /// Whether the word at an offset is one that the library reads.
    pub fn holds(&self, offset: usize) -> bool {
        self.is_sized() && self.size >= offset + size_of::<usize>()
    }

    /// Gives a bool any byte, as a caller in C can.
    pub fn set_bool(&mut self, offset: usize, script: &mut Script) {
        let byte = if script.rarely() { script.byte() } else { 1 };
        // SAFETY: within the place.
        unsafe { self.bytes().add(offset).write(byte) };
    }

    /// Whether its size is one that the library takes: so many whole words.
    pub fn is_sized(&self) -> bool {
        (size_of::<usize>()..=STRUCT_BYTES_LIMIT).contains(&self.size) && self.size.is_multiple_of(size_of::<usize>())
    }

    /// Whether all fields are there.
    pub fn is_whole<T>(&self) -> bool {
        self.is_sized() && self.size >= size_of::<T>()
    }

    /// Fails where anything was written past what the struct's size allows.
    pub fn check_guard(&mut self) {
        let writable = if self.is_sized() { self.size } else { size_of::<usize>() };
        // SAFETY: all of the place was written when it was made.
        let bytes = unsafe { std::slice::from_raw_parts(self.bytes(), Self::BYTES) };
        assert!(bytes[writable..].iter().all(|byte| *byte == GUARD), "written past a struct_size of {}", self.size);
        assert_eq!(bytes[..size_of::<usize>()], self.size.to_ne_bytes(), "struct_size was changed");
    }
}
