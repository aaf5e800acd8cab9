//! Streams by slot, for chunks that are already sliced.

use napi::Env;
use napi::bindgen_prelude::ObjectFinalize;
use napi_derive::napi;
use stream_sum_sha256::SlotError;

use crate::arguments::{BytesMut, ErrorCode, Result, disjoint, error};
use crate::backend::backend;
use crate::memory::ReportedMemory;

/// Hash contexts by slot.
#[napi(custom_finalize)]
pub struct SlotPool {
    pool: stream_sum_sha256::SlotPool,
    reported: ReportedMemory,
}

impl ObjectFinalize for SlotPool {
    fn finalize(mut self, env: Env) -> napi::Result<()> {
        self.reported.report(&env, 0)
    }
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
        Ok(Self { pool: stream_sum_sha256::SlotPool::new(backend()?), reported: ReportedMemory::default() })
    }

    /// Tells V8 how many bytes the pool holds.
    fn report(&mut self, env: &Env) -> Result<()> {
        self.reported.report(env, self.pool.memory_bytes()).map_err(|cause| error(ErrorCode::Memory, cause))
    }

    /// Opens a stream and returns its slot.
    #[napi]
    pub fn open(&mut self, env: &Env) -> Result<u32> {
        let slot = self.pool.open().map_err(refused)?;
        self.report(env)?;
        Ok(slot)
    }

    /// Opens a stream that goes on from a serialized state.
    #[napi]
    pub fn open_state(&mut self, env: &Env, state: &[u8]) -> Result<u32> {
        let slot = self.pool.open_state(state).map_err(refused)?;
        self.report(env)?;
        Ok(slot)
    }

    /// The number of open streams.
    #[napi]
    pub fn open_streams(&self) -> u32 {
        self.pool.open_streams() as u32
    }

    /// Bytes that the pool holds. V8 is told of them.
    #[napi]
    pub fn memory_bytes(&self) -> f64 {
        self.pool.memory_bytes() as f64
    }

    /// Folds chunk i, `data[ends[i - 1]..ends[i]]`, into the stream of `slots[i]`.
    #[napi]
    pub fn fold(&mut self, slots: &[u32], ends: &[u32], data: &[u8]) -> Result<()> {
        self.pool.fold(slots, ends, data).map_err(refused)
    }

    /// Ends the streams of `slots` and writes their digests.
    #[napi]
    pub fn finish(
        &mut self,
        env: &Env,
        slots: &[u32],
        #[napi(ts_arg_type = "Uint8Array")] digests: BytesMut,
    ) -> Result<()> {
        disjoint(slots, digests, "slots and digests")?;
        self.pool.finish(slots, digests).map_err(refused)?;
        self.report(env)
    }

    /// Forgets all streams, and gives their memory back.
    #[napi]
    pub fn clear(&mut self, env: &Env) -> Result<()> {
        self.pool.clear();
        self.report(env)
    }

    /// Writes the states of `slots`.
    #[napi]
    pub fn save(&self, slots: &[u32], #[napi(ts_arg_type = "Uint8Array")] states: BytesMut) -> Result<()> {
        disjoint(slots, states, "slots and states")?;
        self.pool.save(slots, states).map_err(refused)
    }
}
