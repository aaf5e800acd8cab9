//! Chunks on their way to the lanes. Each chunk's bytes are put together with its stream's partial block, and the blocks
//! that are complete become a job; some hundred jobs are then folded at once. The jobs are ordered by how many of the
//! same stream precede them, so that neighbours belong to different streams and can share a kernel call.

use crate::backend::Backend;
use crate::context::{BLOCK_BYTES, Context};
use crate::lanes::{Queue, StoredJob};

/// Blocks that are put together before all is folded: with the contexts they stay in the first-level cache.
const STAGED_MAX: usize = 256;

/// Jobs that wait. Between calls of `flush` the contexts' `h` lags behind their `byte_count` and `block`.
pub(crate) struct Window {
    staged: Vec<[u8; BLOCK_BYTES]>,
    jobs: Vec<StoredJob>,
    order: Vec<u32>,
    /// Jobs at each level, then where the level starts in `order`.
    levels: Vec<u32>,
}

impl Window {
    pub(crate) fn new() -> Self {
        Self {
            staged: Vec::with_capacity(STAGED_MAX + 2),
            jobs: Vec::with_capacity(STAGED_MAX + 2),
            order: Vec::with_capacity(STAGED_MAX + 2),
            levels: Vec::new(),
        }
    }

    /// Appends `payload[start..start + bytes]` to the stream of `slot`, whose context is given.
    #[inline]
    pub(crate) fn push(&mut self, context: &mut Context, slot: u32, payload: &[u8], start: usize, bytes: usize) {
        let buffered = context.buffered();
        context.byte_count += bytes as u64;
        let data = &payload[start..start + bytes];
        if buffered + bytes < BLOCK_BYTES {
            context.block[buffered..buffered + bytes].copy_from_slice(data);
            return;
        }
        let staged = self.staged.len();
        let head = (BLOCK_BYTES - buffered) % BLOCK_BYTES;
        if buffered > 0 {
            let mut block = context.block;
            block[buffered..].copy_from_slice(&data[..head]);
            self.staged.push(block);
        }
        let blocks = (bytes - head) / BLOCK_BYTES;
        let tail = &data[head + blocks * BLOCK_BYTES..];
        context.block[..tail.len()].copy_from_slice(tail);
        self.enqueue(context, slot, staged, start + head, blocks);
    }

    /// Appends the padding that ends the stream of `slot`; after the flush its `h` is the digest.
    pub(crate) fn push_end(&mut self, context: &mut Context, slot: u32) {
        let staged = self.staged.len();
        let (blocks, count) = context.padding();
        self.staged.extend_from_slice(&blocks[..count]);
        self.enqueue(context, slot, staged, 0, 0);
    }

    fn enqueue(&mut self, context: &mut Context, slot: u32, staged: usize, payload_offset: usize, blocks: usize) {
        self.jobs.push(StoredJob {
            slot,
            level: context.queued,
            staged: staged as u32,
            staged_blocks: (self.staged.len() - staged) as u32,
            payload_offset: payload_offset as u32,
            payload_blocks: blocks as u32,
        });
        context.queued += 1;
    }

    /// It must be flushed before the next chunk.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.jobs.len() >= STAGED_MAX || self.staged.len() >= STAGED_MAX
    }

    /// Folds all that waits. The payload is the one that was pushed.
    pub(crate) fn flush(&mut self, backend: Backend, contexts: &mut [Context], payload: &[u8]) {
        self.sort();
        let mut queue = Queue { jobs: &self.jobs, order: &self.order, staged: &self.staged, payload };
        backend.fold(&mut queue, contexts);
        self.jobs.clear();
        self.staged.clear();
    }

    /// A counting sort by level, stable.
    fn sort(&mut self) {
        self.levels.clear();
        self.levels.resize(self.jobs.len() + 1, 0);
        for job in &self.jobs {
            self.levels[job.level as usize + 1] += 1;
        }
        for level in 1..self.levels.len() {
            self.levels[level] += self.levels[level - 1];
        }
        self.order.clear();
        self.order.resize(self.jobs.len(), 0);
        for (index, job) in self.jobs.iter().enumerate() {
            let position = &mut self.levels[job.level as usize];
            self.order[*position as usize] = index as u32;
            *position += 1;
        }
    }
}
