//! Single streams of SHA-256, as functions of states that JavaScript owns. Nothing is kept here, and no object must be
//! released. A state is 108 bytes in Go's format, at an offset of a longer buffer.

use napi_derive::napi;
use stream_sum_sha256::{DIGEST_BYTES, STATE_BYTES, Sha256, StateError};

use crate::arguments::{BytesMut, ErrorCode, Result, error};
use crate::backend::backend;

type State = [u8; STATE_BYTES];

fn state_at(states: &[u8], offset: u32) -> Result<&State> {
    let state = states.get(offset as usize..).and_then(<[u8]>::first_chunk);
    state.ok_or_else(|| error(ErrorCode::OutOfRange, format_args!("no state lies at {offset}")))
}

fn state_at_mut(states: &mut [u8], offset: u32) -> Result<&mut State> {
    let state = states.get_mut(offset as usize..).and_then(<[u8]>::first_chunk_mut);
    state.ok_or_else(|| error(ErrorCode::OutOfRange, format_args!("no state lies at {offset}")))
}

fn invalid(cause: StateError) -> napi::Error<ErrorCode> {
    error(ErrorCode::State, cause)
}

/// Writes the state of the empty message.
#[napi]
pub fn sha256_start(#[napi(ts_arg_type = "Uint8Array")] states: BytesMut, offset: u32) -> Result<()> {
    *state_at_mut(states, offset)? = Sha256::new(backend()?).serialize();
    Ok(())
}

/// Appends `data` to the message of a state.
#[napi]
pub fn sha256_update(#[napi(ts_arg_type = "Uint8Array")] states: BytesMut, offset: u32, data: &[u8]) -> Result<()> {
    let state = state_at_mut(states, offset)?;
    let mut hasher = Sha256::deserialize(backend()?, state).map_err(invalid)?;
    let too_long = |_| error(ErrorCode::MessageTooLong, "the message would be longer than 2^61 - 1 bytes");
    hasher.update(data).map_err(too_long)?;
    *state = hasher.serialize();
    Ok(())
}

/// Writes the digest of a state's message into 32 bytes.
#[napi]
pub fn sha256_digest(states: &[u8], offset: u32, #[napi(ts_arg_type = "Uint8Array")] digest: BytesMut) -> Result<()> {
    if digest.len() != DIGEST_BYTES {
        let reason = format_args!("the buffer for a digest has {} bytes, not {DIGEST_BYTES}", digest.len());
        return Err(error(ErrorCode::OutOfRange, reason));
    }
    let hasher = Sha256::deserialize(backend()?, state_at(states, offset)?).map_err(invalid)?;
    digest.copy_from_slice(&hasher.digest());
    Ok(())
}

/// Throws unless `state` is a state.
#[napi]
pub fn sha256_check(state: &[u8]) -> Result<()> {
    Sha256::deserialize(backend()?, state).map(|_| ()).map_err(invalid)
}
