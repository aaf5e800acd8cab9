//! One SHA-256 stream whose state can be saved, resumed and copied.

use crate::codec::{self, STATE_BYTES, StateError};
use crate::context::{BYTE_COUNT_MAX, Context, DIGEST_BYTES, FILE_ID_BYTES};

/// A resumable SHA-256 of one message. Taking the digest does not end it.
#[derive(Clone)]
pub struct Sha256 {
    context: Context,
}

/// The message would be longer than `BYTE_COUNT_MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageTooLong;

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl Sha256 {
    /// The hash of the empty message.
    pub fn new() -> Self {
        let mut context = Context::FREE;
        context.open(&[0; FILE_ID_BYTES]);
        Self { context }
    }

    /// Appends `data` to the message; refused, and nothing is changed, past `BYTE_COUNT_MAX`.
    pub fn update(&mut self, data: &[u8]) -> Result<(), MessageTooLong> {
        match self.context.byte_count.checked_add(data.len() as u64) {
            Some(total) if total <= BYTE_COUNT_MAX => {
                self.context.absorb(data);
                Ok(())
            }
            _ => Err(MessageTooLong),
        }
    }

    /// The digest of the message so far.
    pub fn digest(&self) -> [u8; DIGEST_BYTES] {
        self.context.digest()
    }

    /// Bytes of the message so far.
    pub fn byte_count(&self) -> u64 {
        self.context.byte_count
    }

    /// The state in Go's format.
    pub fn serialize(&self) -> [u8; STATE_BYTES] {
        let mut bytes = [0u8; STATE_BYTES];
        codec::encode(&self.context, &mut bytes);
        bytes
    }

    /// Resumes a state in Go's format.
    pub fn deserialize(bytes: &[u8]) -> Result<Self, StateError> {
        let mut hasher = Self::new();
        codec::decode(bytes, &mut hasher.context)?;
        Ok(hasher)
    }
}
