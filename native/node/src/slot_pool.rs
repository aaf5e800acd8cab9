//! Streams by slot, for chunks that are sliced already.

use napi_derive::napi;
use stream_sum_sha256::SlotError;

use crate::arguments::{BytesMut, ErrorCode, Result, disjoint, error};
use crate::backend::backend;

/// Hash contexts by slot.
#[napi]
pub struct SlotPool {
    pool: stream_sum_sha256::SlotPool,
}

fn refused(cause: SlotError) -> napi::Error<ErrorCode> {
    let code = if matches!(cause, SlotError::State(_)) { ErrorCode::State } else { ErrorCode::Slots };
    error(code, cause)
}

#[napi]
impl SlotPool {
    /// A pool without streams.
    #[napi(constructor)]
    pub fn new() -> Result<Self> {
        Ok(Self { pool: stream_sum_sha256::SlotPool::new(backend()?) })
    }

    /// Opens a stream and returns its slot.
    #[napi]
    pub fn open(&mut self) -> Result<u32> {
        self.pool.open().map_err(refused)
    }

    /// Opens a stream that goes on from a serialized state.
    #[napi]
    pub fn open_state(&mut self, state: &[u8]) -> Result<u32> {
        self.pool.open_state(state).map_err(refused)
    }

    /// Streams that are open.
    #[napi]
    pub fn open_streams(&self) -> u32 {
        self.pool.open_streams() as u32
    }

    /// Folds chunk i, `data[ends[i - 1]..ends[i]]`, into the stream of `slots[i]`.
    #[napi]
    pub fn fold(&mut self, slots: &[u32], ends: &[u32], data: &[u8]) -> Result<()> {
        self.pool.fold(slots, ends, data).map_err(refused)
    }

    /// Ends the streams of `slots` and writes their digests.
    #[napi]
    pub fn finish(&mut self, slots: &[u32], #[napi(ts_arg_type = "Uint8Array")] digests: BytesMut) -> Result<()> {
        disjoint(slots, digests, "slots and digests")?;
        self.pool.finish(slots, digests).map_err(refused)
    }

    /// Writes the states of `slots`.
    #[napi]
    pub fn save(&self, slots: &[u32], #[napi(ts_arg_type = "Uint8Array")] states: BytesMut) -> Result<()> {
        disjoint(slots, states, "slots and states")?;
        self.pool.save(slots, states).map_err(refused)
    }
}
