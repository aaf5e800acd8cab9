//! Chunks on their way to the lanes. Each chunk's bytes are joined to its stream's partial block, and complete blocks
//! become a job. Some hundred jobs are then folded at once. A job's level is how many jobs of the same stream precede
//! it, so the jobs of one level belong to different streams and can share a kernel call.
//!
//! Bytes are moved in fixed lengths of a block, which read and write past the end of the data, because copies of
//! varying length and their branches cost more than a short chunk's compression. With AVX-512 VBMI a block is joined in
//! a register, otherwise in memory.

use crate::backend::{Backend, Splicer, prefetch_all};
use crate::context::{BLOCK_BYTES, Context};
use crate::contexts::Contexts;
use crate::lanes::{Queue, StoredJob};

/// Blocks that are put together before all are folded. With their contexts they stay in a first-level cache of 32 KiB.
const STAGED_MAX: usize = 128;
/// Jobs of one stream before all are folded.
const LEVELS: usize = 8;
/// One job stages at most two blocks, and the copies reach one block further.
const STAGED_SPARE: usize = 4;

/// The most jobs of a level, including the job that fills the window.
const LEVEL_JOBS: usize = STAGED_MAX + STAGED_SPARE;
/// How much of a long chunk is prefetched when it is pushed. The kernels prefetch the rest as they go on.
const PREFETCHED_BYTES: usize = 512;

/// Waiting jobs. Between calls of `flush` the contexts' `h` lags behind their `byte_count` and `block`.
pub(crate) struct Window {
    staged: Box<[[u8; BLOCK_BYTES]; STAGED_MAX + STAGED_SPARE]>,
    staged_count: usize,
    /// The jobs of level l begin at `l * LEVEL_JOBS`.
    jobs: Box<[StoredJob; LEVELS * LEVEL_JOBS]>,
    level_counts: [usize; LEVELS],
    /// Every job is one staged block.
    is_uniform: bool,
}

impl Window {
    pub(crate) const MEMORY_BYTES: usize =
        (STAGED_MAX + STAGED_SPARE) * BLOCK_BYTES + LEVELS * LEVEL_JOBS * size_of::<StoredJob>();

    pub(crate) fn new() -> Self {
        Self {
            staged: Box::new([[0; BLOCK_BYTES]; STAGED_MAX + STAGED_SPARE]),
            staged_count: 0,
            jobs: Box::new([StoredJob::default(); LEVELS * LEVEL_JOBS]),
            level_counts: [0; LEVELS],
            is_uniform: true,
        }
    }

    /// Appends `payload[start..start + bytes]` to the stream of `slot`, whose context is given. Returns true if
    /// everything that waits must be flushed before the next chunk.
    #[inline(always)]
    #[must_use]
    pub(crate) fn push(
        &mut self,
        splicer: Option<Splicer>,
        context: &mut Context,
        slot: u32,
        payload: &[u8],
        start: usize,
        bytes: usize,
    ) -> bool {
        match payload[start..].first_chunk::<BLOCK_BYTES>() {
            Some(head) if bytes <= BLOCK_BYTES => self.push_short(splicer, context, slot, head, bytes),
            _ => self.push_long(context, slot, payload, start, bytes),
        }
    }

    /// No branch on whether the block is complete, because the processor could not predict it: a job is always written,
    /// and counts only if the block is complete.
    #[inline(always)]
    fn push_short(
        &mut self,
        splicer: Option<Splicer>,
        context: &mut Context,
        slot: u32,
        head: &[u8; BLOCK_BYTES],
        bytes: usize,
    ) -> bool {
        let buffered = context.buffered();
        let complete = usize::from(buffered + bytes >= BLOCK_BYTES);
        context.byte_count += bytes as u64;
        if let Some(splicer) = splicer {
            let staged = &mut self.staged[self.staged_count];
            splicer.splice(&mut context.block, head, buffered, complete == 1, staged);
        } else {
            let scratch = self.staged[self.staged_count..self.staged_count + 2].as_flattened_mut();
            scratch[..BLOCK_BYTES].copy_from_slice(&context.block);
            scratch[buffered..buffered + BLOCK_BYTES].copy_from_slice(head);
            context.block = self.staged[self.staged_count + complete];
        }
        let job = StoredJob { slot, staged: self.staged_count as u16, staged_blocks: 1, ..StoredJob::default() };
        self.staged_count += complete;
        self.put(context, job, complete)
    }

    /// Puts a job into its level. It counts if `count` is 1, not 0. Returns true if the window must be flushed.
    #[inline(always)]
    #[must_use]
    fn put(&mut self, context: &mut Context, job: StoredJob, count: usize) -> bool {
        let level = context.queued as usize;
        self.jobs[level * LEVEL_JOBS + self.level_counts[level]] = job;
        self.level_counts[level] += count;
        context.queued += count as u32;
        self.staged_count >= STAGED_MAX || context.queued as usize == LEVELS
    }

    fn push_long(&mut self, context: &mut Context, slot: u32, payload: &[u8], start: usize, bytes: usize) -> bool {
        let buffered = context.buffered();
        context.byte_count += bytes as u64;
        let data = &payload[start..start + bytes];
        if buffered + bytes < BLOCK_BYTES {
            context.block[buffered..buffered + bytes].copy_from_slice(data);
            return false;
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
        self.enqueue(context, slot, staged, start + head_bytes, blocks)
    }

    /// Appends the padding that ends the stream of `slot`; after the flush its `h` is the digest.
    #[must_use]
    pub(crate) fn push_end(&mut self, context: &mut Context, slot: u32) -> bool {
        let staged = self.staged_count;
        let (blocks, count) = context.padding();
        self.staged[staged..staged + 2].copy_from_slice(&blocks);
        self.staged_count += count;
        self.enqueue(context, slot, staged, 0, 0)
    }

    fn enqueue(
        &mut self,
        context: &mut Context,
        slot: u32,
        staged: usize,
        payload_offset: usize,
        blocks: usize,
    ) -> bool {
        let staged_blocks = self.staged_count - staged;
        // Every job counts as at least one staged block, so that the staged blocks bound the jobs.
        self.staged_count = self.staged_count.max(staged + 1);
        self.is_uniform &= staged_blocks == 1 && blocks == 0;
        let job = StoredJob {
            slot,
            staged: staged as u16,
            staged_blocks: staged_blocks as u16,
            payload_offset: payload_offset as u32,
            payload_blocks: blocks as u32,
        };
        self.put(context, job, 1)
    }

    /// Folds everything that waits. The payload must be the one that was pushed.
    pub(crate) fn flush(&mut self, backend: Backend, contexts: &mut Contexts, payload: &[u8]) {
        let levels: [&[StoredJob]; LEVELS] =
            std::array::from_fn(|level| &self.jobs[level * LEVEL_JOBS..][..self.level_counts[level]]);
        let staged = &self.staged[..];
        if self.is_uniform {
            for jobs in levels.into_iter().take_while(|jobs| !jobs.is_empty()) {
                Queue { jobs, later: &[], staged, payload }.fold_blocks(backend, contexts);
            }
        } else {
            Queue { jobs: levels[0], later: &levels[1..], staged, payload }.fold(backend, contexts);
        }
        self.level_counts = [0; LEVELS];
        (self.staged_count, self.is_uniform) = (0, true);
    }
}

#[cfg(test)]
mod tests {
    use sha2::Digest;

    use super::Window;
    use crate::backend::{Backend, Splicer, with_vectors};
    use crate::context::FILE_ID_BYTES;
    use crate::contexts::Contexts;

    /// The digest of `message` up to the sum of `lengths`, pushed in chunks of these lengths.
    fn digest(splicer: Option<Splicer>, message: &[u8], lengths: &[usize]) -> [u8; 32] {
        let backend = Backend::from_name("portable").unwrap();
        let mut window = Window::new();
        let mut contexts = Contexts::default();
        contexts.provide(0, 1).unwrap();
        contexts[0].open(&[0; FILE_ID_BYTES]);
        let mut start = 0;
        for &bytes in lengths {
            if window.push(splicer, &mut contexts[0], 0, message, start, bytes) {
                window.flush(backend, &mut contexts, message);
            }
            start += bytes;
        }
        window.flush(backend, &mut contexts, message);
        contexts[0].digest(backend)
    }

    #[test]
    fn chunks_of_every_length_from_every_place_in_a_block_are_the_same_with_vectors_and_without() {
        let message = (0..400u32).map(|index| (index * 167 + (index >> 8) * 13 + 5) as u8).collect::<Vec<_>>();
        let step = if cfg!(miri) { 31 } else { 1 };
        for buffered in (0..64).step_by(step) {
            for bytes in (0..=65).step_by(step) {
                let lengths = [buffered, bytes, 64, bytes, 1, bytes];
                let total = lengths.iter().sum::<usize>();
                let expected = sha2::Sha256::digest(&message[..total]);
                assert_eq!(digest(None, &message, &lengths)[..], expected[..], "{lengths:?}");
                let vectors = with_vectors(|splicer| digest(splicer, &message, &lengths));
                assert_eq!(vectors[..], expected[..], "{lengths:?} with vectors");
            }
        }
    }
}
