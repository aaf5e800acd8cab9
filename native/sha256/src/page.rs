//! A slab page as it is stored: 31 slots of 128 bytes, which fill one page of LMDB.
//!
//! | offset in a slot | bytes | type | field |
//! |---|---|---|---|
//! | 0 | 16 | bytes | file id |
//! | 16 | 4 | u32 LE | last sequence folded, from 1 |
//! | 20 | 108 | bytes | state in Go's format ([`crate::codec`]) |
//!
//! A free slot is all zeros.

use std::fmt;

use crate::codec::{self, STATE_BYTES, StateError};
use crate::context::{Context, FILE_ID_BYTES};
use crate::record::{PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES};

/// Slots of a page.
pub const PAGE_SLOTS: usize = 31;
/// Bytes of a stored slot.
pub const SLOT_BYTES: usize = 128;
/// Bytes of a stored page.
pub const PAGE_BYTES: usize = PAGE_SLOTS * SLOT_BYTES;
/// The most pages of a pool: 32 million open files, 4 GiB of contexts.
pub const PAGES_MAX: usize = 1 << 20;

const SEQUENCE_OFFSET: usize = FILE_ID_BYTES;
const STATE_OFFSET: usize = 20;
/// The most data of one record.
const CHUNK_BYTES_MAX: u64 = (PAYLOAD_BYTES_MAX - RECORD_HEADER_BYTES) as u64;
const _: () = assert!(STATE_OFFSET + STATE_BYTES == SLOT_BYTES);

/// Why a page was not loaded. A refused page changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageError {
    /// The length is not `PAGE_BYTES`.
    Length(usize),
    /// The number is not below `PAGES_MAX`.
    Number(usize),
    /// The pool has files in that page.
    Occupied,
    /// The state of a slot is invalid.
    State(usize, StateError),
    /// A slot in use has the last sequence 0.
    Sequence(usize),
    /// The chunks that a slot counts cannot have had as many bytes as it counts.
    Bytes(usize),
    /// The pool, or an earlier slot of the page, has the same file.
    Duplicate(usize),
    /// There is no memory for the page.
    Memory,
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PageError::Length(length) => write!(f, "a page is {PAGE_BYTES} bytes long, not {length}"),
            PageError::Number(number) => {
                write!(f, "page {number} is not below the bound of {PAGES_MAX} pages")
            }
            PageError::Occupied => write!(f, "the pool has files in that page already"),
            PageError::State(slot, error) => write!(f, "slot {slot} of the page: {error}"),
            PageError::Sequence(slot) => {
                write!(f, "slot {slot} of the page has a state but the last sequence 0")
            }
            PageError::Bytes(slot) => {
                write!(f, "slot {slot} of the page counts bytes that no chunks of its last sequence can have had")
            }
            PageError::Duplicate(slot) => {
                write!(f, "slot {slot} of the page has a file that is open already")
            }
            PageError::Memory => write!(f, "no memory for that page"),
        }
    }
}

impl std::error::Error for PageError {}

/// Writes a page's contexts. None counts as a free slot.
pub(crate) fn encode<'a>(contexts: impl Iterator<Item = Option<&'a Context>>, bytes: &mut [u8; PAGE_BYTES]) {
    for (context, slot) in contexts.zip(bytes.as_chunks_mut::<SLOT_BYTES>().0) {
        let Some(context) = context.filter(|context| !context.is_free()) else {
            slot.fill(0);
            continue;
        };
        slot[..SEQUENCE_OFFSET].copy_from_slice(&context.file_id);
        slot[SEQUENCE_OFFSET..STATE_OFFSET].copy_from_slice(&context.last_sequence.to_le_bytes());
        if let Some(state) = slot.last_chunk_mut() {
            codec::encode(context, state);
        }
    }
}

/// The contexts of a page; free slots are `Context::FREE`.
pub(crate) fn decode(bytes: &[u8]) -> Result<[Context; PAGE_SLOTS], PageError> {
    if bytes.len() != PAGE_BYTES {
        return Err(PageError::Length(bytes.len()));
    }
    let mut contexts = [const { Context::FREE }; PAGE_SLOTS];
    for (index, (slot, context)) in bytes.as_chunks::<SLOT_BYTES>().0.iter().zip(&mut contexts).enumerate() {
        if slot.iter().all(|&byte| byte == 0) {
            continue;
        }
        codec::decode(&slot[STATE_OFFSET..], context).map_err(|error| PageError::State(index, error))?;
        context.file_id.copy_from_slice(&slot[..SEQUENCE_OFFSET]);
        let sequence = &slot[SEQUENCE_OFFSET..STATE_OFFSET];
        context.last_sequence = u32::from_le_bytes([sequence[0], sequence[1], sequence[2], sequence[3]]);
        // Every chunk had at least one byte, and no more than fit into a payload beside its header.
        let sequence = u64::from(context.last_sequence);
        if sequence == 0 {
            return Err(PageError::Sequence(index));
        }
        if !(sequence..=sequence * CHUNK_BYTES_MAX).contains(&context.byte_count) {
            return Err(PageError::Bytes(index));
        }
    }
    Ok(contexts)
}
