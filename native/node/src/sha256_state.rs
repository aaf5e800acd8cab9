//! One resumable SHA-256 stream.

use napi::Env;
use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;
use stream_sum_sha256::{DIGEST_BYTES, Sha256};

use crate::arguments::{BytesMut, ErrorCode, Result, error};
use crate::backend::backend;

/// A SHA-256 of one message so far.
#[napi]
pub struct Sha256State {
    hasher: Sha256,
}

#[napi]
impl Sha256State {
    /// The hash of the empty message.
    #[napi(constructor)]
    pub fn new() -> Result<Self> {
        Ok(Self { hasher: Sha256::new(backend()?) })
    }

    /// Appends `data` to the message.
    #[napi]
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        self.hasher
            .update(data)
            .map_err(|_| error(ErrorCode::MessageTooLong, "the message would be longer than 2^61 - 1 bytes"))
    }

    /// The digest of the message so far, in a fresh buffer of 32 bytes.
    #[napi]
    pub fn digest<'env>(&self, env: &'env Env) -> napi::Result<BufferSlice<'env>> {
        BufferSlice::copy_from(env, self.hasher.digest())
    }

    /// The digest of the message so far, into 32 bytes of the caller.
    #[napi]
    pub fn digest_into(&self, #[napi(ts_arg_type = "Uint8Array")] digest: BytesMut) -> Result<()> {
        if digest.len() != DIGEST_BYTES {
            let reason = format_args!("the buffer for a digest has {} bytes, not {DIGEST_BYTES}", digest.len());
            return Err(error(ErrorCode::OutOfRange, reason));
        }
        digest.copy_from_slice(&self.hasher.digest());
        Ok(())
    }

    /// An independent stream with the same message so far.
    #[napi]
    pub fn copy(&self) -> Sha256State {
        Sha256State { hasher: self.hasher.clone() }
    }

    /// Bytes of the message so far, exact up to 2^53.
    #[napi(getter)]
    pub fn byte_count(&self) -> f64 {
        self.hasher.byte_count() as f64
    }

    /// The state in Go's format, in a fresh buffer of 108 bytes.
    #[napi]
    pub fn serialize<'env>(&self, env: &'env Env) -> napi::Result<BufferSlice<'env>> {
        BufferSlice::copy_from(env, self.hasher.serialize())
    }

    /// Resumes a state in Go's format.
    #[napi]
    pub fn deserialize(state: &[u8]) -> Result<Sha256State> {
        let hasher = Sha256::deserialize(backend()?, state).map_err(|cause| error(ErrorCode::State, cause))?;
        Ok(Sha256State { hasher })
    }
}
