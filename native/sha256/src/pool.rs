//! The contexts of all open files of one partition. A batch is folded in two passes. The first validates every record
//! and finds or makes its slot, and is undone on an error. The second folds, and cannot fail. So for the caller a batch
//! is all or nothing.

use std::collections::TryReserveError;
use std::ops::Range;

use crate::backend::{Backend, Splicer, prefetch, with_vectors};
use crate::codec::{self, STATE_BYTES};
use crate::context::{Context, FileId, digest_bytes};
use crate::failure::{Failure, FailureKind};
use crate::page::{self, PAGE_BYTES, PAGE_SLOTS, PAGES_MAX, PageError};
use crate::plan::{Files, PREFETCH_AHEAD, Parsed, Plan};
use crate::record::{RECORD_HEADER_BYTES, SUM_BYTES, write_sum};
use crate::window::Window;

/// Hash contexts by file id.
pub struct Pool {
    files: Files,
    plan: Plan,
    window: Window,
    backend: Backend,
}

impl Pool {
    /// A pool without files.
    pub fn new(backend: Backend) -> Self {
        Self { files: Files::new(), plan: Plan::default(), window: Window::new(), backend }
    }

    /// Folds the `count` records that `payload` consists of, except the first `skip`, which are only parsed. Writes a
    /// sum record for each file that ends, in the records' order, and returns their number. Bytes of `sums` past them
    /// stay as they were. After a failure nothing has changed.
    pub fn fold(&mut self, payload: &[u8], count: usize, skip: usize, sums: &mut [u8]) -> Result<usize, Failure> {
        let finished =
            self.prepare(
                payload,
                count,
                skip,
                |needed| {
                    if needed <= sums.len() { Ok(()) } else { Err(FailureKind::Space) }
                },
            )?;
        self.fold_prepared(payload, sums);
        Ok(finished)
    }

    /// As `fold`, but allocates the memory for the sums once their number is known.
    pub fn fold_to_vec(&mut self, payload: &[u8], count: usize, skip: usize) -> Result<Vec<u8>, Failure> {
        let mut sums = Vec::new();
        self.prepare(payload, count, skip, |needed| {
            sums.try_reserve_exact(needed).map_err(|_| FailureKind::Full)?;
            sums.resize(needed, 0);
            Ok(())
        })?;
        self.fold_prepared(payload, &mut sums);
        Ok(sums)
    }

    /// The first pass: returns how many files end. `provide` gets the bytes of their sums, and may refuse.
    fn prepare(
        &mut self,
        payload: &[u8],
        count: usize,
        skip: usize,
        provide: impl FnOnce(usize) -> Result<(), FailureKind>,
    ) -> Result<usize, Failure> {
        let (pages, segments) = (self.files.slab.page_count(), self.files.table.segments());
        let finished = with_vectors(
            #[inline(always)]
            |_| self.plan.make(payload, count, skip, &mut self.files),
        )
        .and_then(|Parsed { finished, refused }| {
            let needed = finished * SUM_BYTES;
            provide(needed).map_err(|kind| Failure { needed, ..Failure::at(kind, count, payload.len()) })?;
            refused.map_or(Ok(finished), Err)
        });
        if finished.is_err() {
            self.plan.undo(&mut self.files, pages, segments);
        }
        finished
    }

    fn fold_prepared(&mut self, payload: &[u8], sums: &mut [u8]) {
        with_vectors(
            #[inline(always)]
            |splicer| self.fold_planned(splicer, payload, sums),
        );
        self.files.table.shrink();
        self.plan.forget();
    }

    #[inline(always)]
    fn fold_planned(&mut self, splicer: Option<Splicer>, payload: &[u8], sums: &mut [u8]) {
        let mut sums = sums.as_chunks_mut::<SUM_BYTES>().0.iter_mut();
        let mut flushed = 0;
        for index in 0..self.plan.records().len() {
            if let Some(ahead) = self.plan.records().get(index + PREFETCH_AHEAD) {
                let context = self.files.slab.at(ahead.slot);
                prefetch(context);
                prefetch(&context.block);
            }
            let planned = &self.plan.records()[index];
            self.files.slab.mark_dirty(planned.slot);
            let context = self.files.slab.at(planned.slot);
            let is_full = if planned.data_bytes == 0 {
                self.window.push_end(context, planned.slot)
            } else {
                let start = planned.offset as usize + RECORD_HEADER_BYTES;
                self.window.push(splicer, context, planned.slot, payload, start, planned.data_bytes as usize)
            };
            if is_full {
                self.flush(payload, flushed..index + 1, &mut sums);
                flushed = index + 1;
            }
        }
        self.flush(payload, flushed..self.plan.records().len(), &mut sums);
    }

    /// Folds the waiting jobs, and writes the sums of the files that end within `records` of the plan.
    fn flush<'a>(
        &mut self,
        payload: &[u8],
        records: Range<usize>,
        sums: &mut impl Iterator<Item = &'a mut [u8; SUM_BYTES]>,
    ) {
        self.window.flush(self.backend, self.files.slab.contexts_mut(), payload);
        for planned in self.plan.records()[records].iter().filter(|planned| planned.data_bytes == 0) {
            let context = self.files.slab.at(planned.slot);
            if let Some(sum) = sums.next() {
                write_sum(context, &digest_bytes(&context.h), sum);
            }
            self.files.slab.release(planned.slot);
        }
    }

    /// Bytes that the pool holds.
    pub fn memory_bytes(&self) -> usize {
        let files = self.files.slab.memory_bytes() + self.files.table.memory_bytes();
        files + self.plan.memory_bytes() + Window::MEMORY_BYTES
    }

    /// The number of files of which something was folded and that have not ended.
    pub fn open_files(&self) -> usize {
        self.files.slab.open_files()
    }

    /// Pages of the slab, free ones included.
    pub fn page_count(&self) -> usize {
        self.files.slab.page_count()
    }

    /// Pages changed since they were last taken.
    pub fn dirty_pages(&self) -> usize {
        self.files.slab.dirty_pages()
    }

    /// Writes the numbers of the dirty pages, ascending, and the pages themselves, back to back. They are then no
    /// longer dirty. None if one of the buffers is too small for all of them; then nothing was written.
    pub fn take_dirty_pages(&mut self, numbers: &mut [u32], bytes: &mut [u8]) -> Option<usize> {
        let count = self.files.slab.dirty_pages();
        if numbers.len() < count || bytes.len() < count * PAGE_BYTES {
            return None;
        }
        for ((page, number), bytes) in
            self.files.slab.dirty_numbers().zip(numbers).zip(bytes.as_chunks_mut::<PAGE_BYTES>().0)
        {
            *number = page as u32;
            page::encode(self.files.slab.page(page), bytes);
        }
        self.files.slab.clear_dirty();
        Some(count)
    }

    /// Loads a page that was taken before, into the same place. Loading does not make it dirty. All or nothing.
    pub fn load_page(&mut self, page: usize, bytes: &[u8]) -> Result<(), PageError> {
        if page >= PAGES_MAX {
            return Err(PageError::Number(page));
        }
        let contexts = page::decode(bytes)?;
        if self.files.slab.page(page).flatten().any(|context| !context.is_free()) {
            return Err(PageError::Occupied);
        }
        let files = || contexts.iter().enumerate().filter(|(_, context)| !context.is_free());
        for (index, context) in files() {
            let hash = self.files.table.hash(&context.file_id);
            let twice =
                files().take_while(|(other, _)| *other < index).any(|(_, other)| other.file_id == context.file_id);
            if twice || self.files.table.find(hash, context.file_id, self.files.slab.contexts()).is_some() {
                return Err(PageError::Duplicate(index));
            }
        }
        let first = page * PAGE_SLOTS;
        let segments = self.files.table.segments();
        let loaded = self.load(first, files());
        if loaded.is_err() {
            self.files.table.shrink_to(segments);
        } else {
            self.files.slab.raise_page_count(page + 1);
        }
        loaded.map_err(|_| PageError::Memory)
    }

    /// Takes `files`, whose slots are counted from `first`: all or none.
    fn load<'a>(
        &mut self,
        first: usize,
        files: impl Iterator<Item = (usize, &'a Context)> + Clone,
    ) -> Result<(), TryReserveError> {
        self.files.table.reserve(PAGE_SLOTS)?;
        for (index, _) in files.clone() {
            self.files.slab.provide(first + index)?;
        }
        for (inserted, (index, context)) in files.clone().enumerate() {
            let slot = (first + index) as u32;
            if let Err(error) = self.files.table.insert(self.files.table.hash(&context.file_id), slot, context.file_id)
            {
                for (index, context) in files.take(inserted) {
                    let slot = (first + index) as u32;
                    self.files.table.remove(self.files.table.hash(&context.file_id), slot, context.file_id);
                    self.files.slab.release(slot);
                }
                return Err(error);
            }
            self.files.slab.acquire_at(slot);
            *self.files.slab.at(slot) = context.clone();
        }
        Ok(())
    }

    /// Drops every file whose id starts with `producer_id`; returns how many.
    pub fn drop_producer(&mut self, producer_id: &[u8; 8]) -> usize {
        let mut dropped = 0;
        for slot in 0..self.files.slab.slot_bound() {
            let Some(context) = self.files.slab.contexts().get(slot) else { continue };
            if context.is_free() || context.file_id[..8] != producer_id[..] {
                continue;
            }
            let file_id = context.file_id;
            self.files.table.remove(self.files.table.hash(&file_id), slot, file_id);
            self.files.slab.mark_dirty(slot);
            self.files.slab.release(slot);
            dropped += 1;
        }
        self.files.table.shrink();
        dropped
    }

    /// Forgets all files and pages, dirty or not, and gives their memory back.
    pub fn clear(&mut self) {
        self.files = Files::new();
        self.plan = Plan::default();
    }

    /// The state and the last sequence of an open file.
    pub fn lookup(&self, file_id: &FileId) -> Option<(u32, [u8; STATE_BYTES])> {
        let slot = self.files.table.find(self.files.table.hash(file_id), *file_id, self.files.slab.contexts())?;
        let context = &self.files.slab.contexts()[slot];
        let mut state = [0u8; STATE_BYTES];
        codec::encode(context, &mut state);
        Some((context.last_sequence, state))
    }
}
