//! V2 task files: nothing in one may panic or take much memory, and what decodes is encoded to the same bytes.

#![no_main]

use comptask_upgrade::{Codec, DefaultCodec, ErrorKind};
use fuzzing::memory::bounded;
use fuzzing::sealed;
use libfuzzer_sys::fuzz_target;

fn check(file: &[u8]) {
    match bounded(file.len(), 4, || DefaultCodec.decode_v2(file)) {
        Ok(task) => {
            let bytes = DefaultCodec.encode_v2(&task).expect("what was decoded can be encoded");
            assert_eq!(bytes, file, "{task:?}");
        }
        Err(error) => assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::TooLarge), "{error}"),
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&sealed(b"CTK2", bytes));
});
