//! Folding on a thread of libuv: the batch is copied first, so that nothing of JavaScript's is touched off its thread.

use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::BufferSlice;
use napi::{Env, ScopedTask};
use napi_derive::napi;
use stream_sum_sha256::{Failure, Pool, RECORD_HEADER_BYTES, SUM_BYTES};

use crate::pool::PoolFailure;

/// A copy of a batch's records.
#[napi]
pub struct Batch {
    pub(crate) records: Vec<u8>,
}

#[napi]
impl Batch {
    /// Copies `records`.
    #[napi(constructor)]
    pub fn new(records: &[u8]) -> Self {
        Self { records: records.to_vec() }
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
    pub(crate) pool: Arc<Mutex<Pool>>,
    pub(crate) records: Vec<u8>,
    pub(crate) count: usize,
    pub(crate) skip: usize,
}

impl<'task> ScopedTask<'task> for FoldTask {
    type Output = Result<Vec<u8>, Failure>;
    type JsValue = FoldedBatch<'task>;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        // As many files may end as there are records.
        let records_max = self.count.min(self.records.len() / RECORD_HEADER_BYTES);
        let mut sums = vec![0; records_max * SUM_BYTES];
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(pool.fold(&self.records, self.count, self.skip, &mut sums).map(|finished| {
            sums.truncate(finished * SUM_BYTES);
            sums
        }))
    }

    fn resolve(&mut self, env: &'task Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        Ok(match output {
            Ok(sums) => FoldedBatch { sums: Some(BufferSlice::copy_from(env, sums)?), failure: None },
            Err(failure) => FoldedBatch { sums: None, failure: Some(PoolFailure::new(env, &failure)?) },
        })
    }
}
