//! The serialized state: the format that Go's `crypto/sha256` writes by `MarshalBinary` and reads by `UnmarshalBinary`.
//!
//! | offset | bytes | type | field |
//! |---|---|---|---|
//! | 0 | 4 | bytes | magic `"sha" 0x03` |
//! | 4 | 32 | 8 x u32 BE | chaining value H |
//! | 36 | 64 | bytes | partial block; zeros past `count % 64` |
//! | 100 | 8 | u64 BE | count of bytes fed |
//!
//! Decoding accepts only what encoding can write, so that equal states are equal bytes.

use std::fmt;

use crate::context::{BLOCK_BYTES, BYTE_COUNT_MAX, Context, INITIAL_H};

/// Bytes of a serialized state.
pub const STATE_BYTES: usize = 108;
const MAGIC: [u8; 4] = *b"sha\x03";
const H_OFFSET: usize = 4;
const BLOCK_OFFSET: usize = 36;
const COUNT_OFFSET: usize = 100;

/// Why bytes are not a serialized state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// The length is not `STATE_BYTES`.
    Length(usize),
    /// The first four bytes are not the magic of SHA-256.
    Magic,
    /// The count exceeds the longest message.
    Count(u64),
    /// A byte past the partial block is not zero.
    Padding,
    /// No block was complete yet, but H is not the initial value.
    Initial,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::Length(length) => write!(f, "a state is {STATE_BYTES} bytes long, not {length}"),
            StateError::Magic => write!(f, "the state does not start with the magic \"sha\" 0x03"),
            StateError::Count(count) => {
                write!(f, "the state counts {count} bytes, more than {BYTE_COUNT_MAX}")
            }
            StateError::Padding => write!(f, "the state has a byte other than zero past its partial block"),
            StateError::Initial => {
                write!(f, "the state has no complete block, but not the initial chaining value")
            }
        }
    }
}

impl std::error::Error for StateError {}

pub(crate) fn encode(context: &Context, bytes: &mut [u8; STATE_BYTES]) {
    bytes[..H_OFFSET].copy_from_slice(&MAGIC);
    for (word, value) in bytes[H_OFFSET..BLOCK_OFFSET].chunks_exact_mut(4).zip(context.h) {
        word.copy_from_slice(&value.to_be_bytes());
    }
    let buffered = context.buffered();
    let block = &mut bytes[BLOCK_OFFSET..COUNT_OFFSET];
    block[..buffered].copy_from_slice(&context.block[..buffered]);
    block[buffered..].fill(0);
    bytes[COUNT_OFFSET..].copy_from_slice(&context.byte_count.to_be_bytes());
}

/// Sets `h`, `block` and `byte_count` of `context`; on an error it is left as it was.
pub(crate) fn decode(bytes: &[u8], context: &mut Context) -> Result<(), StateError> {
    let bytes: &[u8; STATE_BYTES] = bytes.try_into().map_err(|_| StateError::Length(bytes.len()))?;
    if bytes[..H_OFFSET] != MAGIC {
        return Err(StateError::Magic);
    }
    let mut count = [0u8; 8];
    count.copy_from_slice(&bytes[COUNT_OFFSET..]);
    let byte_count = u64::from_be_bytes(count);
    if byte_count > BYTE_COUNT_MAX {
        return Err(StateError::Count(byte_count));
    }
    let buffered = (byte_count % BLOCK_BYTES as u64) as usize;
    if bytes[BLOCK_OFFSET + buffered..COUNT_OFFSET].iter().any(|&byte| byte != 0) {
        return Err(StateError::Padding);
    }
    let mut h = [0u32; 8];
    for (value, word) in h.iter_mut().zip(bytes[H_OFFSET..BLOCK_OFFSET].as_chunks::<4>().0) {
        *value = u32::from_be_bytes(*word);
    }
    if byte_count < BLOCK_BYTES as u64 && h != INITIAL_H {
        return Err(StateError::Initial);
    }
    context.h = h;
    context.byte_count = byte_count;
    context.block.copy_from_slice(&bytes[BLOCK_OFFSET..COUNT_OFFSET]);
    Ok(())
}
