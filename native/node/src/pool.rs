//! The pool of one partition's open files.

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, ObjectFinalize};
use napi_derive::napi;
use stream_sum_sha256::{Failure, FailureKind, FileId};

use crate::arguments::{BytesMut, ErrorCode, Result, WordsMut, disjoint, error, integer};
use crate::backend::backend;
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
    /// `sequence`: the sequence that came.
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

/// Hash contexts of many open files.
#[napi(custom_finalize)]
pub struct Pool {
    pool: stream_sum_sha256::Pool,
    reported: ReportedMemory,
    failure: Option<Failure>,
}

impl ObjectFinalize for Pool {
    fn finalize(mut self, env: Env) -> napi::Result<()> {
        self.reported.report(&env, 0)
    }
}

#[napi]
impl Pool {
    /// A pool without files.
    #[napi(constructor)]
    pub fn new() -> Result<Self> {
        let pool = stream_sum_sha256::Pool::new(backend()?);
        Ok(Self { pool, reported: ReportedMemory::default(), failure: None })
    }

    /// Tells V8 how many bytes the pool holds.
    fn report(&mut self, env: &Env) -> Result<()> {
        self.reported.report(env, self.pool.memory_bytes()).map_err(|cause| error(ErrorCode::Memory, cause))
    }

    /// Folds the `count` records of `records`, except the first `skip`. Returns the number of sums that were written,
    /// or -1.
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
        let folded = self.pool.fold(records, count, skip, sums);
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

    /// Why the last fold that returned -1 did so; null if no fold did.
    #[napi]
    pub fn failure<'env>(&self, env: &'env Env) -> napi::Result<Option<PoolFailure<'env>>> {
        let Some(failure) = &self.failure else {
            return Ok(None);
        };
        Ok(Some(PoolFailure::new(env, failure)?))
    }

    /// The number of open files.
    #[napi]
    pub fn open_files(&self) -> u32 {
        self.pool.open_files() as u32
    }

    /// Bytes that the pool holds. V8 is told of them.
    #[napi]
    pub fn memory_bytes(&self) -> f64 {
        self.pool.memory_bytes() as f64
    }

    /// Pages of the slab.
    #[napi]
    pub fn page_count(&self) -> u32 {
        self.pool.page_count() as u32
    }

    /// Pages changed since they were last taken.
    #[napi]
    pub fn dirty_pages(&self) -> u32 {
        self.pool.dirty_pages() as u32
    }

    /// Writes the dirty pages and their numbers, and returns how many there were. They are then no longer dirty.
    #[napi]
    pub fn take_dirty_pages(
        &mut self,
        #[napi(ts_arg_type = "Uint32Array")] page_numbers: WordsMut,
        #[napi(ts_arg_type = "Uint8Array")] pages: BytesMut,
    ) -> Result<u32> {
        disjoint(page_numbers, pages, "pageNumbers and pages")?;
        let dirty = self.pool.dirty_pages();
        let taken = self.pool.take_dirty_pages(page_numbers, pages).ok_or_else(|| {
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
        self.pool.load_page(page, bytes).map_err(failed)?;
        self.report(env)
    }

    /// Drops every file whose id starts with the 8 bytes `producer_id`; returns how many.
    #[napi]
    pub fn drop_producer(&mut self, env: &Env, producer_id: &[u8]) -> Result<u32> {
        let producer_id = producer_id.try_into().map_err(|_| {
            let reason = format_args!("a producer id has 8 bytes, not {}", producer_id.len());
            error(ErrorCode::OutOfRange, reason)
        })?;
        let dropped = self.pool.drop_producer(producer_id);
        self.report(env)?;
        Ok(dropped as u32)
    }

    /// Forgets all files and pages, and gives their memory back.
    #[napi]
    pub fn clear(&mut self, env: &Env) -> Result<()> {
        self.pool.clear();
        self.report(env)
    }

    /// The last sequence and the state of an open file; null if it is not open.
    #[napi]
    pub fn lookup<'env>(&self, env: &'env Env, file_id: &[u8]) -> Result<Option<PoolFile<'env>>> {
        let Ok(file_id) = <&FileId>::try_from(file_id) else { return Ok(None) };
        let Some((last_sequence, state)) = self.pool.lookup(file_id) else { return Ok(None) };
        let state = BufferSlice::copy_from(env, state).map_err(|cause| error(ErrorCode::Memory, cause))?;
        Ok(Some(PoolFile { last_sequence, state }))
    }
}
