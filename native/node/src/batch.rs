//! Folding on a thread of libuv: the batch is copied first, so that nothing of JavaScript's is touched off its thread.

use std::sync::{Arc, PoisonError};

use napi::bindgen_prelude::BufferSlice;
use napi::{Env, ScopedTask};
use napi_derive::napi;
use stream_sum_sha256::Failure;

use crate::arguments::{ErrorCode, Result, error};
use crate::pool::{PoolFailure, SharedPool};

/// A copy of a batch's records.
#[napi]
pub struct Batch {
    pub(crate) records: Vec<u8>,
}

#[napi]
impl Batch {
    /// Copies `records`.
    #[napi(constructor)]
    pub fn new(records: &[u8]) -> Result<Self> {
        let mut copy = Vec::new();
        let refused = |cause| error(ErrorCode::Memory, format_args!("no memory for a copy of the batch: {cause}"));
        copy.try_reserve_exact(records.len()).map_err(refused)?;
        copy.extend_from_slice(records);
        Ok(Self { records: copy })
    }
}

/// What became of a batch: its sums, or why it was refused.
#[napi(object, object_from_js = false)]
pub struct FoldedBatch<'env> {
    /// 64 bytes for each file that ended, in a fresh buffer; null if the batch was refused.
    pub sums: Option<BufferSlice<'env>>,
    /// Why it was refused, or null.
    pub failure: Option<PoolFailure<'env>>,
}

/// One batch on its way through a pool.
pub struct FoldTask {
    pub(crate) pool: Arc<SharedPool>,
    pub(crate) records: Vec<u8>,
    pub(crate) count: usize,
    pub(crate) skip: usize,
}

impl<'task> ScopedTask<'task> for FoldTask {
    type Output = std::result::Result<Vec<u8>, Failure>;
    type JsValue = FoldedBatch<'task>;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let mut pool = self.pool.pool.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(pool.fold_to_vec(&self.records, self.count, self.skip))
    }

    fn resolve(&mut self, env: &'task Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        self.pool.report(env)?;
        Ok(match output {
            Ok(sums) => FoldedBatch { sums: Some(BufferSlice::copy_from(env, sums)?), failure: None },
            Err(failure) => FoldedBatch { sums: None, failure: Some(PoolFailure::new(env, &failure)?) },
        })
    }
}
