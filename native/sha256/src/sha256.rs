//! One SHA-256 stream whose state can be saved, resumed and copied.

use crate::backend::Backend;
use crate::codec::{self, STATE_BYTES, StateError};
use crate::context::{BYTE_COUNT_MAX, Context, DIGEST_BYTES, FILE_ID_BYTES};

/// A resumable SHA-256 of one message. Taking the digest does not end it.
#[derive(Clone)]
pub struct Sha256 {
    context: Context,
    backend: Backend,
}

/// The message would be longer than `BYTE_COUNT_MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageTooLong;

impl Sha256 {
    /// The hash of the empty message.
    pub fn new(backend: Backend) -> Self {
        let mut context = Context::FREE;
        context.open(&[0; FILE_ID_BYTES]);
        Self { context, backend }
    }

    /// Appends `data` to the message. Past `BYTE_COUNT_MAX` it is refused, and nothing has changed.
    pub fn update(&mut self, data: &[u8]) -> Result<(), MessageTooLong> {
        match self.context.byte_count.checked_add(data.len() as u64) {
            Some(total) if total <= BYTE_COUNT_MAX => {
                self.context.absorb(self.backend, data);
                Ok(())
            }
            _ => Err(MessageTooLong),
        }
    }

    /// The digest of the message so far.
    pub fn digest(&self) -> [u8; DIGEST_BYTES] {
        self.context.digest(self.backend)
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
    pub fn deserialize(backend: Backend, bytes: &[u8]) -> Result<Self, StateError> {
        let mut hasher = Self::new(backend);
        codec::decode(bytes, &mut hasher.context)?;
        Ok(hasher)
    }
}
