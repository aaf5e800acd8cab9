//! The pool of one partition's open files.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, BufferSlice, ObjectFinalize};
use napi_derive::napi;
use stream_sum_sha256::{Failure, FailureKind, FileId};

use crate::arguments::{BytesMut, ErrorCode, Result, WordsMut, disjoint, error, integer};
use crate::backend::backend;
use crate::batch::{Batch, FoldTask};
use crate::memory::ReportedMemory;

/// Why the last fold returned -1.
#[napi(object, object_from_js = false)]
pub struct PoolFailure<'env> {
    /// `malformed`, `sequence`, `space` or `full`.
    pub kind: &'static str,
    /// The record, from 0; the batch's count if the failure is about the whole batch.
    pub record_index: f64,
    /// Where that record starts in the payload.
    pub byte_offset: f64,
    /// Its file id, or zeros.
    pub file_id: BufferSlice<'env>,
    /// `sequence`: the sequence that should have come.
    pub expected_sequence: u32,
    /// `sequence`: the one that came.
    pub actual_sequence: u32,
    /// `space`: bytes that `sums` must have.
    pub needed: f64,
}

impl<'env> PoolFailure<'env> {
    pub(crate) fn new(env: &'env Env, failure: &Failure) -> napi::Result<Self> {
        Ok(Self {
            kind: match failure.kind {
                FailureKind::Malformed => "malformed",
                FailureKind::Sequence => "sequence",
                FailureKind::Space => "space",
                FailureKind::Full => "full",
            },
            record_index: failure.record_index as f64,
            byte_offset: failure.byte_offset as f64,
            file_id: BufferSlice::copy_from(env, failure.file_id)?,
            expected_sequence: failure.expected_sequence,
            actual_sequence: failure.actual_sequence,
            needed: failure.needed as f64,
        })
    }
}

/// The count and the skip of a fold.
fn counts(count: f64, skip: f64) -> Result<(usize, usize)> {
    let (count, skip) = (integer("count", count)?, integer("skip", skip)?);
    if skip > count {
        let reason = format_args!("skip must not exceed the count of {count}, but is {skip}");
        return Err(error(ErrorCode::OutOfRange, reason));
    }
    Ok((count, skip))
}

/// The last sequence and the state of an open file.
#[napi(object, object_from_js = false)]
pub struct PoolFile<'env> {
    /// The last sequence folded.
    pub last_sequence: u32,
    /// The state, 108 bytes in Go's format.
    pub state: BufferSlice<'env>,
}

/// A pool that a thread of libuv may have.
pub struct SharedPool {
    pub(crate) pool: Mutex<stream_sum_sha256::Pool>,
    reported: Mutex<ReportedMemory>,
}

impl SharedPool {
    /// Tells V8 what the pool holds, unless a thread of libuv has it, which does so when it is done.
    pub fn report(&self, env: &Env) -> napi::Result<()> {
        let bytes = match self.pool.try_lock() {
            Ok(pool) => pool.memory_bytes(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().memory_bytes(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        self.reported.lock().unwrap_or_else(PoisonError::into_inner).report(env, bytes)
    }
}

/// Hash contexts of many open files.
#[napi(custom_finalize)]
pub struct Pool {
    shared: Arc<SharedPool>,
    failure: Option<Failure>,
}

impl ObjectFinalize for Pool {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.shared.reported.lock().unwrap_or_else(PoisonError::into_inner).report(&env, 0)
    }
}

#[napi]
impl Pool {
    /// A pool without files.
    #[napi(constructor)]
    pub fn new() -> Result<Self> {
        let pool = Mutex::new(stream_sum_sha256::Pool::new(backend()?));
        Ok(Self { shared: Arc::new(SharedPool { pool, reported: Mutex::default() }), failure: None })
    }

    /// Tells V8 what the pool holds.
    fn report(&self, env: &Env) -> Result<()> {
        self.shared.report(env).map_err(|cause| error(ErrorCode::Memory, cause))
    }

    /// The pool, unless a thread of libuv has it.
    fn lock(&self) -> Result<MutexGuard<'_, stream_sum_sha256::Pool>> {
        match self.shared.pool.try_lock() {
            Ok(pool) => Ok(pool),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(error(ErrorCode::PoolBusy, "an asynchronous fold has not ended")),
        }
    }

    /// Folds the `count` records of `records`, all but the first `skip`; returns how many sums were written, or -1.
    #[napi]
    pub fn fold(
        &mut self,
        env: &Env,
        records: &[u8],
        count: f64,
        skip: f64,
        #[napi(ts_arg_type = "Uint8Array")] sums: BytesMut,
    ) -> Result<i32> {
        let (count, skip) = counts(count, skip)?;
        disjoint(records, sums, "records and sums")?;
        let folded = self.lock()?.fold(records, count, skip, sums);
        self.report(env)?;
        match folded {
            // A payload below 2^32 bytes has fewer than 2^28 records.
            Ok(finished) => Ok(finished as i32),
            Err(failure) => {
                self.failure = Some(failure);
                Ok(-1)
            }
        }
    }

    /// Why the last fold that returned -1 did so; null if none did.
    #[napi]
    pub fn failure<'env>(&self, env: &'env Env) -> napi::Result<Option<PoolFailure<'env>>> {
        let Some(failure) = &self.failure else {
            return Ok(None);
        };
        Ok(Some(PoolFailure::new(env, failure)?))
    }

    /// Folds a batch on a thread of libuv.
    #[napi(ts_return_type = "Promise<FoldedBatch>")]
    pub fn fold_async(&self, batch: &mut Batch, count: f64, skip: f64) -> Result<AsyncTask<FoldTask>> {
        let (count, skip) = counts(count, skip)?;
        let records = std::mem::take(&mut batch.records);
        Ok(AsyncTask::new(FoldTask { pool: Arc::clone(&self.shared), records, count, skip }))
    }

    /// Files that are open.
    #[napi]
    pub fn open_files(&self) -> Result<u32> {
        Ok(self.lock()?.open_files() as u32)
    }

    /// Bytes that the pool holds, of which V8 is told.
    #[napi]
    pub fn memory_bytes(&self) -> Result<f64> {
        Ok(self.lock()?.memory_bytes() as f64)
    }

    /// Pages of the slab.
    #[napi]
    pub fn page_count(&self) -> Result<u32> {
        Ok(self.lock()?.page_count() as u32)
    }

    /// Pages changed since they were last taken.
    #[napi]
    pub fn dirty_pages(&self) -> Result<u32> {
        Ok(self.lock()?.dirty_pages() as u32)
    }

    /// Writes the dirty pages and their numbers, and returns how many; they are dirty no more.
    #[napi]
    pub fn take_dirty_pages(
        &mut self,
        #[napi(ts_arg_type = "Uint32Array")] page_numbers: WordsMut,
        #[napi(ts_arg_type = "Uint8Array")] pages: BytesMut,
    ) -> Result<u32> {
        disjoint(page_numbers, pages, "pageNumbers and pages")?;
        let mut pool = self.lock()?;
        let dirty = pool.dirty_pages();
        let taken = pool.take_dirty_pages(page_numbers, pages).ok_or_else(|| {
            let reason = format_args!("the buffers do not hold {dirty} pages and their numbers");
            error(ErrorCode::OutOfRange, reason)
        })?;
        Ok(taken as u32)
    }

    /// Loads a page that was taken before.
    #[napi]
    pub fn load_page(&mut self, env: &Env, page: f64, bytes: &[u8]) -> Result<()> {
        let page = integer("page", page)?;
        let failed = |cause| error(ErrorCode::Page, format_args!("page {page}: {cause}"));
        self.lock()?.load_page(page, bytes).map_err(failed)?;
        self.report(env)
    }

    /// Drops every file whose id starts with the 8 bytes `producer_id`; returns how many.
    #[napi]
    pub fn drop_producer(&mut self, env: &Env, producer_id: &[u8]) -> Result<u32> {
        let producer_id = producer_id.try_into().map_err(|_| {
            let reason = format_args!("a producer id has 8 bytes, not {}", producer_id.len());
            error(ErrorCode::OutOfRange, reason)
        })?;
        let dropped = self.lock()?.drop_producer(producer_id);
        self.report(env)?;
        Ok(dropped as u32)
    }

    /// Forgets all files and pages, and gives their memory back.
    #[napi]
    pub fn clear(&mut self, env: &Env) -> Result<()> {
        self.lock()?.clear();
        self.report(env)
    }

    /// The last sequence and the state of an open file; null if it is not open.
    #[napi]
    pub fn lookup<'env>(&self, env: &'env Env, file_id: &[u8]) -> Result<Option<PoolFile<'env>>> {
        let Ok(file_id) = <&FileId>::try_from(file_id) else { return Ok(None) };
        let Some((last_sequence, state)) = self.lock()?.lookup(file_id) else { return Ok(None) };
        let state = BufferSlice::copy_from(env, state).map_err(|cause| error(ErrorCode::Memory, cause))?;
        Ok(Some(PoolFile { last_sequence, state }))
    }
}
