//! Chunks on their way to the lanes. Each chunk's bytes are put together with its stream's partial block, and the blocks
//! that are complete become a job; some hundred jobs are then folded at once. The jobs are ordered by how many of the
//! same stream precede them, so that neighbours belong to different streams and can share a kernel call.
//!
//! Bytes are copied in fixed lengths of a block, which read and write past what is meant, since copies of a varying
//! length and the branches about them cost more than a short chunk's compression.

use crate::backend::{Backend, prefetch_all};
use crate::context::{BLOCK_BYTES, Context};
use crate::lanes::{Level, Queue, StoredJob};

/// Blocks that are put together before all is folded: with their contexts they stay in a first-level cache of 32 KiB.
const STAGED_MAX: usize = 128;
/// One job stages two blocks at most, and the copies reach one block further.
const STAGED_SPARE: usize = 4;

/// How much of a long chunk is asked for when it is pushed; the kernels ask for the rest as they go on.
const PREFETCHED_BYTES: usize = 512;

/// Jobs that wait. Between calls of `flush` the contexts' `h` lags behind their `byte_count` and `block`.
pub(crate) struct Window {
    staged: Vec<[u8; BLOCK_BYTES]>,
    staged_count: usize,
    jobs: Vec<StoredJob>,
    job_count: usize,
    order: Vec<u32>,
    /// Jobs at each level, then where the level ends in `order`.
    levels: Vec<u32>,
    /// Every job is one staged block.
    is_uniform: bool,
}

impl Window {
    pub(crate) fn new() -> Self {
        Self {
            staged: vec![[0; BLOCK_BYTES]; STAGED_MAX + STAGED_SPARE],
            staged_count: 0,
            jobs: vec![StoredJob::default(); STAGED_MAX + STAGED_SPARE],
            job_count: 0,
            order: Vec::with_capacity(STAGED_MAX + STAGED_SPARE),
            levels: Vec::new(),
            is_uniform: true,
        }
    }

    /// Appends `payload[start..start + bytes]` to the stream of `slot`, whose context is given.
    #[inline(always)]
    pub(crate) fn push(&mut self, context: &mut Context, slot: u32, payload: &[u8], start: usize, bytes: usize) {
        match payload[start..].first_chunk::<BLOCK_BYTES>() {
            Some(head) if bytes <= BLOCK_BYTES => self.push_short(context, slot, head, bytes),
            _ => self.push_long(context, slot, payload, start, bytes),
        }
    }

    /// Without a branch on whether the block is complete, which nothing predicts: a job is always written, and counts
    /// only if it is one.
    #[inline(always)]
    fn push_short(&mut self, context: &mut Context, slot: u32, head: &[u8; BLOCK_BYTES], bytes: usize) {
        let buffered = context.buffered();
        let complete = usize::from(buffered + bytes >= BLOCK_BYTES);
        context.byte_count += bytes as u64;
        let scratch = self.staged[self.staged_count..self.staged_count + 2].as_flattened_mut();
        scratch[..BLOCK_BYTES].copy_from_slice(&context.block);
        scratch[buffered..buffered + BLOCK_BYTES].copy_from_slice(head);
        context.block = self.staged[self.staged_count + complete];
        self.jobs[self.job_count] = StoredJob {
            slot,
            level: context.queued,
            staged: self.staged_count as u32,
            staged_blocks: 1,
            payload_offset: 0,
            payload_blocks: 0,
        };
        context.queued += complete as u32;
        self.staged_count += complete;
        self.job_count += complete;
    }

    fn push_long(&mut self, context: &mut Context, slot: u32, payload: &[u8], start: usize, bytes: usize) {
        let buffered = context.buffered();
        context.byte_count += bytes as u64;
        let data = &payload[start..start + bytes];
        if buffered + bytes < BLOCK_BYTES {
            context.block[buffered..buffered + bytes].copy_from_slice(data);
            return;
        }
        let staged = self.staged_count;
        let head_bytes = (BLOCK_BYTES - buffered) % BLOCK_BYTES;
        if buffered > 0 {
            let block = &mut self.staged[staged];
            block.copy_from_slice(&context.block);
            block[buffered..].copy_from_slice(&data[..head_bytes]);
            self.staged_count += 1;
        }
        prefetch_all(&data[head_bytes..bytes.min(head_bytes + PREFETCHED_BYTES)]);
        let blocks = (bytes - head_bytes) / BLOCK_BYTES;
        let tail = head_bytes + blocks * BLOCK_BYTES;
        match payload[start + tail..].first_chunk() {
            Some(block) => context.block = *block,
            None => context.block[..bytes - tail].copy_from_slice(&data[tail..]),
        }
        self.enqueue(context, slot, staged, start + head_bytes, blocks);
    }

    /// Appends the padding that ends the stream of `slot`; after the flush its `h` is the digest.
    pub(crate) fn push_end(&mut self, context: &mut Context, slot: u32) {
        let staged = self.staged_count;
        let (blocks, count) = context.padding();
        self.staged[staged..staged + 2].copy_from_slice(&blocks);
        self.staged_count += count;
        self.enqueue(context, slot, staged, 0, 0);
    }

    fn enqueue(&mut self, context: &mut Context, slot: u32, staged: usize, payload_offset: usize, blocks: usize) {
        let staged_blocks = self.staged_count - staged;
        self.is_uniform &= staged_blocks == 1 && blocks == 0;
        self.jobs[self.job_count] = StoredJob {
            slot,
            level: context.queued,
            staged: staged as u32,
            staged_blocks: staged_blocks as u32,
            payload_offset: payload_offset as u32,
            payload_blocks: blocks as u32,
        };
        self.job_count += 1;
        context.queued += 1;
    }

    /// It must be flushed before the next chunk.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.job_count >= STAGED_MAX || self.staged_count >= STAGED_MAX
    }

    /// Folds all that waits. The payload is the one that was pushed.
    pub(crate) fn flush(&mut self, backend: Backend, contexts: &mut [Context], payload: &[u8]) {
        self.sort();
        if self.is_uniform {
            let mut start = 0;
            for end in self.levels.iter().map(|end| *end as usize) {
                let level = Level { order: &self.order[start..end], jobs: &self.jobs, staged: &self.staged };
                backend.fold_level(level, contexts);
                start = end;
            }
        } else {
            let mut queue = Queue { jobs: &self.jobs, order: &self.order, staged: &self.staged, payload };
            backend.fold(&mut queue, contexts);
        }
        (self.job_count, self.staged_count, self.is_uniform) = (0, 0, true);
    }

    /// A counting sort by level, stable. Afterwards `levels[l]` is where level l ends.
    fn sort(&mut self) {
        let jobs = &self.jobs[..self.job_count];
        let level_count = jobs.iter().map(|job| job.level as usize + 1).max().unwrap_or(0);
        self.levels.clear();
        self.levels.resize(level_count, 0);
        for job in jobs {
            self.levels[job.level as usize] += 1;
        }
        let mut start = 0;
        for level in &mut self.levels {
            (*level, start) = (start, start + *level);
        }
        self.order.clear();
        self.order.resize(jobs.len(), 0);
        for (index, job) in jobs.iter().enumerate() {
            let position = &mut self.levels[job.level as usize];
            self.order[*position as usize] = index as u32;
            *position += 1;
        }
    }
}
