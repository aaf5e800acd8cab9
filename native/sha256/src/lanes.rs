//! Folds a queue of jobs, each some blocks of one stream, through kernels of several lanes. A lane takes the next job
//! when its job is done, so that ragged lengths keep all lanes busy. Two jobs of one stream are never in two lanes:
//! while a stream is in a lane, its other jobs wait, which keeps the order within a stream.

#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "the backends there have one lane"))]

use crate::backend::{Backend, LaneKernel, LaneWork};
use crate::contexts::Contexts;

/// Blocks to fold into the context of `slot`: `runs[0]`, then `runs[1]`.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) slot: u32,
    pub(crate) runs: [&'a [[u8; 64]]; 2],
}

/// Jobs by level. The level of a job is how many jobs of the same stream precede it, so the jobs of one level are of
/// different streams.
#[derive(Clone, Copy)]
pub(crate) struct Queue<'a> {
    /// The rest of the first level.
    pub(crate) jobs: &'a [StoredJob],
    pub(crate) later: &'a [&'a [StoredJob]],
    pub(crate) staged: &'a [[u8; 64]],
    pub(crate) payload: &'a [u8],
}

/// A waiting job: blocks that were put together, then blocks that lie in the payload.
#[derive(Clone, Copy, Default)]
pub(crate) struct StoredJob {
    pub(crate) slot: u32,
    pub(crate) staged: u16,
    pub(crate) staged_blocks: u16,
    pub(crate) payload_offset: u32,
    pub(crate) payload_blocks: u32,
}

impl<'a> Queue<'a> {
    fn next_slot(&mut self) -> Option<u32> {
        while self.jobs.is_empty() {
            (self.jobs, self.later) = self.later.split_first().map(|(jobs, later)| (*jobs, later))?;
        }
        self.jobs.first().map(|job| job.slot)
    }

    fn pop(&mut self) -> Option<Job<'a>> {
        self.next_slot()?;
        let (job, rest) = self.jobs.split_first()?;
        self.jobs = rest;
        let staged = &self.staged[usize::from(job.staged)..usize::from(job.staged + job.staged_blocks)];
        let start = job.payload_offset as usize;
        let bytes = &self.payload[start..start + job.payload_blocks as usize * 64];
        let in_payload = bytes.as_chunks().0;
        let runs = if staged.is_empty() { [in_payload, &[]] } else { [staged, in_payload] };
        Some(Job { slot: job.slot, runs })
    }
}

const IDLE: u32 = u32::MAX;

/// The streams in a kernel's lanes. An idle lane has the slot `IDLE` and no runs.
struct Lanes<'a, const L: usize> {
    slots: [u32; L],
    h: [[u32; 8]; L],
    runs: [&'a [[u8; 64]]; L],
    rests: [&'a [[u8; 64]]; L],
    active: usize,
}

impl<'a, const L: usize> Lanes<'a, L> {
    fn new() -> Self {
        Self { slots: [IDLE; L], h: [[0; 8]; L], runs: [&[]; L], rests: [&[]; L], active: 0 }
    }

    /// Fills idle lanes, in the queue's order, up to the first job whose stream is in a lane.
    fn refill(&mut self, queue: &mut Queue<'a>, contexts: &Contexts) {
        for lane in 0..L {
            if self.slots[lane] != IDLE {
                continue;
            }
            match queue.next_slot() {
                Some(slot) if !self.slots.contains(&slot) => {}
                _ => return,
            }
            let Some(job) = queue.pop() else { return };
            self.slots[lane] = job.slot;
            self.h[lane] = contexts[job.slot].h;
            [self.runs[lane], self.rests[lane]] = job.runs;
            self.active += 1;
        }
    }

    /// Folds as many blocks as the shortest run has, in every lane. Lanes whose job is done become idle.
    fn step(&mut self, kernel: &impl LaneKernel<L>, contexts: &mut Contexts) {
        let mut shortest = self.runs[0];
        let mut blocks = usize::MAX;
        for (slot, run) in self.slots.iter().zip(self.runs) {
            if *slot != IDLE && run.len() < blocks {
                blocks = run.len();
                shortest = run;
            }
        }
        // An idle lane folds the same blocks as another lane, which costs nothing.
        let heads =
            std::array::from_fn(|lane| if self.slots[lane] == IDLE { shortest } else { &self.runs[lane][..blocks] });
        kernel.compress_lanes(&mut self.h, heads);
        for lane in 0..L {
            if self.slots[lane] == IDLE {
                continue;
            }
            self.runs[lane] = &self.runs[lane][blocks..];
            if self.runs[lane].is_empty() {
                self.runs[lane] = std::mem::take(&mut self.rests[lane]);
                if self.runs[lane].is_empty() {
                    self.leave(lane, contexts);
                }
            }
        }
    }

    fn leave(&mut self, lane: usize, contexts: &mut Contexts) {
        let context = &mut contexts[self.slots[lane]];
        context.h = self.h[lane];
        context.queued = 0;
        self.slots[lane] = IDLE;
        self.active -= 1;
    }

    /// Finishes the streams in the lanes, one after the other.
    fn finish(&mut self, contexts: &mut Contexts, mut single: impl FnMut(&mut [u32; 8], &[[u8; 64]])) {
        for lane in 0..L {
            if self.slots[lane] != IDLE {
                single(&mut self.h[lane], self.runs[lane]);
                single(&mut self.h[lane], std::mem::take(&mut self.rests[lane]));
                self.leave(lane, contexts);
            }
        }
    }

    /// Moves streams from wider lanes into idle ones.
    fn take_from<const W: usize>(&mut self, wide: &mut Lanes<'a, W>) {
        for from in 0..W {
            let Some(to) = self.slots.iter().position(|slot| *slot == IDLE) else { return };
            if wide.slots[from] != IDLE {
                self.slots[to] = wide.slots[from];
                self.h[to] = wide.h[from];
                self.runs[to] = wide.runs[from];
                self.rests[to] = std::mem::take(&mut wide.rests[from]);
                self.active += 1;
                wide.slots[from] = IDLE;
                wide.active -= 1;
            }
        }
    }
}

/// The fewest streams that a kernel of several lanes folds together.
const LANES_MIN: usize = 2;

impl Queue<'_> {
    /// Folds every job into its context.
    pub(crate) fn fold(self, backend: Backend, contexts: &mut Contexts) {
        backend.run(Fold { queue: self, contexts, backend });
    }

    /// Folds a single level of jobs that are one staged block each.
    pub(crate) fn fold_blocks(self, backend: Backend, contexts: &mut Contexts) {
        backend.run(FoldBlocks { queue: self, contexts, backend });
    }
}

struct Fold<'q, 'c> {
    queue: Queue<'q>,
    contexts: &'c mut Contexts,
    backend: Backend,
}

impl LaneWork for Fold<'_, '_> {
    fn with_one(mut self) {
        fold_singly(&mut self.queue, self.contexts, |h, blocks| self.backend.compress(h, blocks));
    }

    fn with_lanes<const L: usize>(mut self, kernel: &impl LaneKernel<L>) {
        fold(kernel, LANES_MIN, &mut self.queue, self.contexts, |h, blocks| self.backend.compress(h, blocks));
    }

    fn with_wide_lanes<const W: usize>(
        mut self,
        wide: &impl LaneKernel<W>,
        lanes_min: usize,
        narrow: &impl LaneKernel<2>,
    ) {
        let single = |h: &mut [u32; 8], blocks: &[[u8; 64]]| self.backend.compress(h, blocks);
        fold_wide(wide, lanes_min, narrow, &mut self.queue, self.contexts, single);
    }
}

struct FoldBlocks<'q, 'c> {
    queue: Queue<'q>,
    contexts: &'c mut Contexts,
    backend: Backend,
}

impl LaneWork for FoldBlocks<'_, '_> {
    fn with_one(self) {
        self.queue.fold_blocks_singly(self.contexts, |h, blocks| self.backend.compress(h, blocks));
    }

    fn with_lanes<const L: usize>(self, kernel: &impl LaneKernel<L>) {
        let rest = self.queue.fold_groups_wide(kernel, LANES_MIN, self.contexts);
        rest.fold_blocks_singly(self.contexts, |h, blocks| self.backend.compress(h, blocks));
    }

    fn with_wide_lanes<const W: usize>(self, wide: &impl LaneKernel<W>, lanes_min: usize, narrow: &impl LaneKernel<2>) {
        let rest = self.queue.fold_groups_wide(wide, lanes_min, self.contexts);
        let rest = rest.fold_groups(narrow, self.contexts);
        rest.fold_blocks_singly(self.contexts, |h, blocks| self.backend.compress(h, blocks));
    }
}

/// Folds all jobs with one kernel. With fewer than `lanes_min` streams, it folds them one after the other by `single`.
fn fold<const L: usize>(
    kernel: &impl LaneKernel<L>,
    lanes_min: usize,
    queue: &mut Queue<'_>,
    contexts: &mut Contexts,
    mut single: impl FnMut(&mut [u32; 8], &[[u8; 64]]),
) {
    let mut lanes = Lanes::<L>::new();
    loop {
        lanes.refill(queue, contexts);
        if lanes.active >= lanes_min {
            lanes.step(kernel, contexts);
        } else if lanes.active > 0 {
            lanes.finish(contexts, &mut single);
        } else {
            return;
        }
    }
}

/// Folds all jobs with a wide kernel. With fewer than `lanes_min` streams, it folds them in pairs by `narrow`.
fn fold_wide<const W: usize>(
    wide: &impl LaneKernel<W>,
    lanes_min: usize,
    narrow: &impl LaneKernel<2>,
    queue: &mut Queue<'_>,
    contexts: &mut Contexts,
    mut single: impl FnMut(&mut [u32; 8], &[[u8; 64]]),
) {
    let mut lanes = Lanes::<W>::new();
    loop {
        lanes.refill(queue, contexts);
        if lanes.active >= lanes_min {
            lanes.step(wide, contexts);
            continue;
        }
        if lanes.active == 0 {
            return;
        }
        let mut pair = Lanes::<2>::new();
        while lanes.active + pair.active > 0 {
            pair.take_from(&mut lanes);
            if pair.active == 2 {
                pair.step(narrow, contexts);
            } else {
                pair.finish(contexts, &mut single);
            }
        }
    }
}

/// Folds all jobs, each in its turn.
fn fold_singly(queue: &mut Queue<'_>, contexts: &mut Contexts, mut single: impl FnMut(&mut [u32; 8], &[[u8; 64]])) {
    while let Some(job) = queue.pop() {
        let context = &mut contexts[job.slot];
        single(&mut context.h, job.runs[0]);
        single(&mut context.h, job.runs[1]);
        context.queued = 0;
    }
}

// For a single level of jobs that are one staged block each, without the bookkeeping of lanes.
impl<'a> Queue<'a> {
    /// Folds as many jobs as fill all lanes; returns the rest.
    #[inline]
    fn fold_groups<const L: usize>(self, kernel: &impl LaneKernel<L>, contexts: &mut Contexts) -> Self {
        let (groups, rest) = self.jobs.as_chunks::<L>();
        for group in groups {
            self.fold_group(kernel, contexts, group.each_ref(), L);
        }
        Self { jobs: rest, ..self }
    }

    /// Folds as many jobs as fill all lanes, and the last few together if they are at least `lanes_min`: idle lanes
    /// fold the same blocks as the first lane, which costs nothing.
    fn fold_groups_wide<const L: usize>(
        self,
        kernel: &impl LaneKernel<L>,
        lanes_min: usize,
        contexts: &mut Contexts,
    ) -> Self {
        let rest = self.fold_groups(kernel, contexts);
        let active = rest.jobs.len();
        if active < lanes_min {
            return rest;
        }
        let group = std::array::from_fn(|lane| &rest.jobs[if lane < active { lane } else { 0 }]);
        rest.fold_group(kernel, contexts, group, active);
        Self { jobs: &[], ..self }
    }

    #[inline]
    fn fold_group<const L: usize>(
        &self,
        kernel: &impl LaneKernel<L>,
        contexts: &mut Contexts,
        jobs: [&StoredJob; L],
        active: usize,
    ) {
        let mut h = jobs.map(|job| contexts[job.slot].h);
        kernel.compress_lanes(&mut h, jobs.map(|job| std::slice::from_ref(&self.staged[usize::from(job.staged)])));
        for (job, h) in jobs.iter().zip(h).take(active) {
            let context = &mut contexts[job.slot];
            context.h = h;
            context.queued = 0;
        }
    }

    /// Folds the jobs one after the other.
    fn fold_blocks_singly(self, contexts: &mut Contexts, mut single: impl FnMut(&mut [u32; 8], &[[u8; 64]])) {
        for job in self.jobs {
            let context = &mut contexts[job.slot];
            single(&mut context.h, std::slice::from_ref(&self.staged[usize::from(job.staged)]));
            context.queued = 0;
        }
    }
}
