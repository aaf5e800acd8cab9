//! The contexts of all open files of one partition. A batch is folded in two passes: the first validates every record
//! and finds or makes its slot, and is undone on an error; the second folds, and cannot fail. So a batch is all or
//! nothing for the caller.

use std::collections::TryReserveError;
use std::ops::Range;

use crate::backend::{Backend, Splicer, prefetch, with_vectors};
use crate::codec::{self, STATE_BYTES};
use crate::context::{BYTE_COUNT_MAX, Context, FileId, digest_bytes};
use crate::failure::{Failure, FailureKind};
use crate::page::{self, PAGE_BYTES, PAGE_SLOTS, PAGES_MAX, PageError};
use crate::record::{PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, Record, SUM_BYTES, write_sum};
use crate::slab::Slab;
use crate::table::Table;
use crate::window::Window;

/// How many records ahead contexts are asked for: a miss takes about as long as so many chunks of 32 bytes.
pub(crate) const PREFETCH_AHEAD: usize = 10;

/// Records that the plan keeps room for between batches.
const PLANNED_KEPT: usize = 1 << 16;

/// What is known of one record that is not skipped. Its header is read once.
struct Planned {
    file_id: FileId,
    offset: u32,
    /// 0 ends the file.
    data_bytes: u32,
    sequence: u32,
    hash: u32,
    /// The first pass finds or makes it, and notes whether it made it.
    slot: u32,
    created: bool,
}

/// Hash contexts by file id.
pub struct Pool {
    slab: Slab,
    table: Table,
    /// Kept between batches that are not too long, so that folding them allocates nothing.
    plan: Vec<Planned>,
    /// How many of `plan` have their slot.
    planned: usize,
    window: Window,
    backend: Backend,
}

impl Pool {
    /// A pool without files.
    pub fn new(backend: Backend) -> Self {
        Self {
            slab: Slab::default(),
            table: Table::new(),
            plan: Vec::new(),
            planned: 0,
            window: Window::new(),
            backend,
        }
    }

    /// Folds the `count` records that `payload` consists of, all but the first `skip`, which are only parsed. Writes a
    /// sum record for each file that ends, in the records' order, and returns how many. Bytes of `sums` past them are
    /// left as they were. On a failure nothing at all was changed.
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

    /// The same, with the sums in memory that is asked for once it is known how many there are.
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

    /// The first pass: returns how many files end. `provide` is told the bytes of their sums, and may refuse.
    fn prepare(
        &mut self,
        payload: &[u8],
        count: usize,
        skip: usize,
        provide: impl FnOnce(usize) -> Result<(), FailureKind>,
    ) -> Result<usize, Failure> {
        let (pages, segments) = (self.slab.page_count(), self.table.segments());
        let finished = with_vectors(
            #[inline(always)]
            |_| {
                let finished = self.parse(payload, count, skip)?;
                let needed = finished * SUM_BYTES;
                provide(needed).map_err(|kind| Failure { needed, ..Failure::at(kind, count, payload.len()) })?;
                self.find_slots(payload.len(), skip)?;
                Ok(finished)
            },
        );
        if finished.is_err() {
            self.undo(pages, segments);
        }
        finished
    }

    fn fold_prepared(&mut self, payload: &[u8], sums: &mut [u8]) {
        with_vectors(
            #[inline(always)]
            |splicer| self.fold_planned(splicer, payload, sums),
        );
        self.table.shrink();
        self.forget_plan();
    }

    fn forget_plan(&mut self) {
        self.plan.clear();
        self.planned = 0;
        self.plan.shrink_to(PLANNED_KEPT);
    }

    /// Reads all headers; returns how many files end.
    #[inline(always)]
    fn parse(&mut self, payload: &[u8], count: usize, skip: usize) -> Result<usize, Failure> {
        self.plan.clear();
        self.planned = 0;
        if payload.len() > PAYLOAD_BYTES_MAX || count > payload.len() / RECORD_HEADER_BYTES {
            return Err(Failure::at(FailureKind::Malformed, count, payload.len()));
        }
        // Not for the count at once, which nothing has confirmed yet.
        let room = count.saturating_sub(skip).min(PLANNED_KEPT);
        self.plan.try_reserve(room).map_err(|_| Failure::at(FailureKind::Full, 0, 0))?;
        let mut offset = 0;
        let mut finished = 0;
        for index in 0..count {
            let record =
                Record::read(payload, offset).ok_or_else(|| Failure::at(FailureKind::Malformed, index, offset))?;
            if index >= skip {
                let hash = self.table.hash(&record.file_id);
                finished += usize::from(record.data_bytes == 0);
                if self.plan.len() == self.plan.capacity() {
                    let failure = |_| Failure::at(FailureKind::Full, index, offset);
                    self.plan.try_reserve(1).map_err(failure)?;
                }
                let Record { file_id, sequence, .. } = record;
                let (offset, data_bytes) = (offset as u32, record.data_bytes as u32);
                self.plan.push(Planned { file_id, offset, data_bytes, sequence, hash, slot: 0, created: false });
            }
            offset = record.end();
        }
        if offset != payload.len() {
            return Err(Failure::at(FailureKind::Malformed, count, offset));
        }
        Ok(finished)
    }

    /// Gives every planned record its slot, if it is the next one of its file.
    #[inline(always)]
    fn find_slots(&mut self, payload_bytes: usize, skip: usize) -> Result<(), Failure> {
        for at in 0..self.plan.len() {
            if !self.table.is_at_hand() {
                self.prefetch_ahead(at);
            }
            self.find_slot(payload_bytes, at).map_err(|failure| Failure { record_index: skip + at, ..failure })?;
            self.planned = at + 1;
        }
        Ok(())
    }

    #[inline(always)]
    fn prefetch_ahead(&self, at: usize) {
        if let Some(ahead) = self.plan.get(at + 2 * PREFETCH_AHEAD) {
            self.table.prefetch(ahead.hash);
        }
        if let Some(ahead) = self.plan.get(at + PREFETCH_AHEAD) {
            self.table.prefetch_context(ahead.hash, self.slab.contexts());
        }
    }

    #[inline(always)]
    fn find_slot(&mut self, payload_bytes: usize, at: usize) -> Result<(), Failure> {
        let Planned { ref file_id, offset, data_bytes, sequence, hash, .. } = self.plan[at];
        let failure = |kind| Failure::at(kind, 0, offset as usize).of_file(file_id);
        let found = self.table.find(hash, file_id, self.slab.contexts());
        let (last, byte_count) = found.map_or((0, 0), |slot| {
            let context = self.slab.at(slot);
            (context.last_sequence, context.byte_count)
        });
        // After the sequence 2^32 - 1 nothing follows: the expected one is then 0, which no record passes with.
        let expected = last.wrapping_add(1);
        if sequence != expected || expected == 0 {
            return Err(Failure {
                expected_sequence: expected,
                actual_sequence: sequence,
                ..failure(FailureKind::Sequence)
            });
        }
        // Conservative by up to one payload, so that several chunks of one file in a batch need no sum of their own.
        if byte_count > BYTE_COUNT_MAX - payload_bytes as u64 {
            return Err(failure(FailureKind::Malformed));
        }
        let slot = match found {
            Some(slot) => slot,
            None => open(&mut self.table, &mut self.slab, hash, file_id).ok_or_else(|| failure(FailureKind::Full))?,
        };
        self.slab.at(slot).last_sequence = sequence;
        if data_bytes == 0 {
            self.table.remove(hash, slot, file_id);
        }
        (self.plan[at].slot, self.plan[at].created) = (slot, found.is_none());
        Ok(())
    }

    /// Takes the first pass back, newest record first; `pages` and `segments` are what there was before it.
    fn undo(&mut self, pages: usize, segments: usize) {
        for planned in self.plan[..self.planned].iter().rev() {
            if planned.data_bytes == 0 {
                self.table.put_back(planned.hash, planned.slot);
            }
            self.slab.at(planned.slot).last_sequence -= 1;
            if planned.created {
                self.table.remove(planned.hash, planned.slot, &planned.file_id);
                self.slab.release(planned.slot);
            }
        }
        self.slab.shrink_to(pages);
        self.table.shrink_to(segments);
        self.forget_plan();
    }

    #[inline(always)]
    fn fold_planned(&mut self, splicer: Option<Splicer>, payload: &[u8], sums: &mut [u8]) {
        let mut sums = sums.as_chunks_mut::<SUM_BYTES>().0.iter_mut();
        let mut flushed = 0;
        for index in 0..self.plan.len() {
            if let Some(ahead) = self.plan.get(index + PREFETCH_AHEAD) {
                let context = self.slab.at(ahead.slot);
                prefetch(context);
                prefetch(&context.block);
            }
            let planned = &self.plan[index];
            self.slab.mark_dirty(planned.slot);
            let context = self.slab.at(planned.slot);
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
        self.flush(payload, flushed..self.plan.len(), &mut sums);
    }

    /// Folds what waits, and writes the sums of the files that end within `records` of the plan.
    fn flush<'a>(
        &mut self,
        payload: &[u8],
        records: Range<usize>,
        sums: &mut impl Iterator<Item = &'a mut [u8; SUM_BYTES]>,
    ) {
        self.window.flush(self.backend, self.slab.contexts_mut(), payload);
        for planned in self.plan[records].iter().filter(|planned| planned.data_bytes == 0) {
            let context = self.slab.at(planned.slot);
            if let Some(sum) = sums.next() {
                write_sum(context, &digest_bytes(&context.h), sum);
            }
            self.slab.release(planned.slot);
        }
    }

    /// What the pool holds, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let plan = self.plan.capacity() * size_of::<Planned>();
        self.slab.memory_bytes() + self.table.memory_bytes() + plan + Window::MEMORY_BYTES
    }

    /// Files of which something was folded and that have not ended.
    pub fn open_files(&self) -> usize {
        self.slab.open_files()
    }

    /// Pages of the slab, free ones included.
    pub fn page_count(&self) -> usize {
        self.slab.page_count()
    }

    /// Pages changed since they were last taken.
    pub fn dirty_pages(&self) -> usize {
        self.slab.dirty_pages()
    }

    /// Writes the numbers of the dirty pages, ascending, and the pages themselves, back to back; they are dirty no
    /// more. None if one of the buffers is too small for all of them: then nothing was written.
    pub fn take_dirty_pages(&mut self, numbers: &mut [u32], bytes: &mut [u8]) -> Option<usize> {
        let count = self.slab.dirty_pages();
        if numbers.len() < count || bytes.len() < count * PAGE_BYTES {
            return None;
        }
        for ((page, number), bytes) in self.slab.dirty_numbers().zip(numbers).zip(bytes.as_chunks_mut::<PAGE_BYTES>().0)
        {
            *number = page as u32;
            page::encode(self.slab.page(page), bytes);
        }
        self.slab.clear_dirty();
        Some(count)
    }

    /// Loads a page that was taken before, into the same place; it is not dirty by that. All or nothing.
    pub fn load_page(&mut self, page: usize, bytes: &[u8]) -> Result<(), PageError> {
        if page >= PAGES_MAX {
            return Err(PageError::Number(page));
        }
        let contexts = page::decode(bytes)?;
        if self.slab.page(page).flatten().any(|context| !context.is_free()) {
            return Err(PageError::Occupied);
        }
        let files = || contexts.iter().enumerate().filter(|(_, context)| !context.is_free());
        for (index, context) in files() {
            let hash = self.table.hash(&context.file_id);
            let twice =
                files().take_while(|(other, _)| *other < index).any(|(_, other)| other.file_id == context.file_id);
            if twice || self.table.find(hash, &context.file_id, self.slab.contexts()).is_some() {
                return Err(PageError::Duplicate(index));
            }
        }
        let first = page * PAGE_SLOTS;
        let segments = self.table.segments();
        let loaded = self.load(first, files());
        if loaded.is_err() {
            self.table.shrink_to(segments);
        } else {
            self.slab.raise_page_count(page + 1);
        }
        loaded.map_err(|_| PageError::Memory)
    }

    /// Takes `files`, whose slots are counted from `first`; all or none.
    fn load<'a>(
        &mut self,
        first: usize,
        files: impl Iterator<Item = (usize, &'a Context)> + Clone,
    ) -> Result<(), TryReserveError> {
        self.table.reserve(PAGE_SLOTS)?;
        for (index, _) in files.clone() {
            self.slab.provide(first + index)?;
        }
        for (inserted, (index, context)) in files.clone().enumerate() {
            let slot = (first + index) as u32;
            if let Err(error) = self.table.insert(self.table.hash(&context.file_id), slot, &context.file_id) {
                for (index, context) in files.take(inserted) {
                    let slot = (first + index) as u32;
                    self.table.remove(self.table.hash(&context.file_id), slot, &context.file_id);
                    self.slab.release(slot);
                }
                return Err(error);
            }
            self.slab.acquire_at(slot);
            *self.slab.at(slot) = context.clone();
        }
        Ok(())
    }

    /// Drops every file whose id starts with `producer_id`; returns how many.
    pub fn drop_producer(&mut self, producer_id: &[u8; 8]) -> usize {
        let mut dropped = 0;
        for slot in 0..self.slab.slot_bound() {
            let Some(context) = self.slab.contexts().get(slot) else { continue };
            if context.is_free() || context.file_id[..8] != producer_id[..] {
                continue;
            }
            let file_id = context.file_id;
            self.table.remove(self.table.hash(&file_id), slot, &file_id);
            self.slab.mark_dirty(slot);
            self.slab.release(slot);
            dropped += 1;
        }
        self.table.shrink();
        dropped
    }

    /// Forgets all files and pages, dirty or not, and gives their memory back.
    pub fn clear(&mut self) {
        self.slab = Slab::default();
        self.table.clear();
        self.plan = Vec::new();
    }

    /// The state and the last sequence of an open file.
    pub fn lookup(&self, file_id: &FileId) -> Option<(u32, [u8; STATE_BYTES])> {
        let slot = self.table.find(self.table.hash(file_id), file_id, self.slab.contexts())?;
        let context = &self.slab.contexts()[slot];
        let mut state = [0u8; STATE_BYTES];
        codec::encode(context, &mut state);
        Some((context.last_sequence, state))
    }
}

fn open(table: &mut Table, slab: &mut Slab, hash: u32, file_id: &FileId) -> Option<u32> {
    table.reserve(1).ok()?;
    let slot = slab.acquire()?;
    if table.insert(hash, slot, file_id).is_err() {
        slab.release(slot);
        return None;
    }
    slab.at(slot).open(file_id);
    Some(slot)
}
