//! The tasks themselves, pure: ids, states, the V1 and V2 records, the way from one to the other, the codec.

mod codec;
mod content_sum;
mod convert;
mod id;
mod record;
mod state;

pub use codec::{crc32c_hex, Codec, DefaultCodec, FILE_BYTES_LIMIT};
pub use content_sum::{content_sum, ContentSum};
pub use convert::{differing_fields, dropped_by_v1, to_v1, to_v2};
pub use id::{V1Base, V2Id, ORDINALS_LIMIT};
pub use record::{Memo, Optimization, RepeatInfo, ResultInfo, TaskIdV1, TaskIdV2, TaskV1, TaskV2};
pub use state::{StateV1, StateV2};
