//! The contexts of all open files of one partition. A batch is folded in two passes: the first validates every record
//! and finds or makes its slot, and is undone on an error; the second folds, and cannot fail. So a batch is all or
//! nothing for the caller.

use std::ops::Range;

use crate::backend::{Backend, Splicer, prefetch, with_vectors};
use crate::codec::{self, STATE_BYTES};
use crate::context::{BYTE_COUNT_MAX, FileId, digest_bytes};
use crate::failure::{Failure, FailureKind};
use crate::page::{self, PAGE_BYTES, PAGE_SLOTS, PAGES_MAX, PageError};
use crate::record::{PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, Record, SUM_BYTES, write_sum};
use crate::slab::Slab;
use crate::table::Table;
use crate::window::Window;

/// How many records ahead contexts are asked for: a miss takes about as long as so many chunks of 32 bytes.
pub(crate) const PREFETCH_AHEAD: usize = 10;

/// What is known of one record that is not skipped.
struct Planned {
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
    /// Kept between batches, so that folding allocates nothing.
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
        let pages = self.slab.page_count();
        let finished = self
            .parse(payload, count, skip)
            .and_then(|finished| {
                let needed = finished * SUM_BYTES;
                if needed <= sums.len() {
                    return Ok(finished);
                }
                Err(Failure { needed, ..Failure::at(FailureKind::Space, count, payload.len()) })
            })
            .and_then(|finished| self.find_slots(payload, skip).map(|()| finished));
        match finished {
            Ok(finished) => {
                with_vectors(
                    #[inline(always)]
                    |splicer| self.fold_planned(splicer, payload, sums),
                );
                Ok(finished)
            }
            Err(failure) => {
                self.undo(pages);
                Err(failure)
            }
        }
    }

    /// Reads all headers; returns how many files end.
    fn parse(&mut self, payload: &[u8], count: usize, skip: usize) -> Result<usize, Failure> {
        self.plan.clear();
        self.planned = 0;
        if payload.len() > PAYLOAD_BYTES_MAX || count > payload.len() / RECORD_HEADER_BYTES {
            return Err(Failure::at(FailureKind::Malformed, count, payload.len()));
        }
        let mut offset = 0;
        let mut finished = 0;
        for index in 0..count {
            let record =
                Record::read(payload, offset).ok_or_else(|| Failure::at(FailureKind::Malformed, index, offset))?;
            if index >= skip {
                let hash = self.table.hash(&record.file_id);
                self.table.prefetch(hash);
                finished += usize::from(record.data_bytes == 0);
                let (offset, data_bytes, sequence) = (offset as u32, record.data_bytes as u32, record.sequence);
                self.plan.push(Planned { offset, data_bytes, sequence, hash, slot: 0, created: false });
            }
            offset = record.end();
        }
        if offset != payload.len() {
            return Err(Failure::at(FailureKind::Malformed, count, offset));
        }
        Ok(finished)
    }

    /// Gives every planned record its slot, if it is the next one of its file.
    fn find_slots(&mut self, payload: &[u8], skip: usize) -> Result<(), Failure> {
        for at in 0..self.plan.len() {
            if let Some(ahead) = self.plan.get(at + PREFETCH_AHEAD) {
                self.table.prefetch_context(ahead.hash, self.slab.contexts());
            }
            self.find_slot(payload, at).map_err(|failure| Failure { record_index: skip + at, ..failure })?;
            self.planned = at + 1;
        }
        Ok(())
    }

    fn find_slot(&mut self, payload: &[u8], at: usize) -> Result<(), Failure> {
        let Planned { offset, data_bytes, sequence, hash, .. } = self.plan[at];
        let offset = offset as usize;
        let failure = |kind| Failure::at(kind, 0, offset);
        let Some(file_id) = Record::file_id(payload, offset) else { return Err(failure(FailureKind::Malformed)) };
        let failure = |kind| failure(kind).of_file(file_id);
        let found = self.table.find(hash, file_id, self.slab.contexts());
        let last = found.map_or(0, |slot| self.slab.at(slot).last_sequence);
        // After the sequence 2^32 - 1 nothing follows: the expected one is then 0, which no record passes with.
        let expected = last.wrapping_add(1);
        if sequence != expected || expected == 0 {
            return Err(Failure {
                expected_sequence: expected,
                actual_sequence: sequence,
                ..failure(FailureKind::Sequence)
            });
        }
        let slot = match found {
            // Conservative by up to one payload, so that several chunks of one file in a batch need no sum of their own.
            Some(slot) if self.slab.at(slot).byte_count > BYTE_COUNT_MAX - payload.len() as u64 => {
                return Err(failure(FailureKind::Malformed));
            }
            Some(slot) => slot,
            None => self.open(hash, file_id).ok_or_else(|| failure(FailureKind::Full))?,
        };
        self.slab.at(slot).last_sequence = sequence;
        (self.plan[at].slot, self.plan[at].created) = (slot, found.is_none());
        if data_bytes == 0 {
            self.table.remove(hash, slot);
        }
        Ok(())
    }

    fn open(&mut self, hash: u32, file_id: &FileId) -> Option<u32> {
        self.table.reserve(1).ok()?;
        let slot = self.slab.acquire()?;
        self.slab.at(slot).open(file_id);
        self.table.insert(hash, slot);
        Some(slot)
    }

    /// Takes the first pass back, newest record first; `pages` is the page count before it.
    fn undo(&mut self, pages: usize) {
        for planned in self.plan[..self.planned].iter().rev() {
            if planned.data_bytes == 0 {
                self.table.insert(planned.hash, planned.slot);
            }
            self.slab.at(planned.slot).last_sequence -= 1;
            if planned.created {
                self.table.remove(planned.hash, planned.slot);
                self.slab.release(planned.slot);
            }
        }
        self.slab.shrink_to(pages);
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
        if page < self.slab.page_count() && self.slab.page(page).iter().any(|context| !context.is_free()) {
            return Err(PageError::Occupied);
        }
        for (index, context) in contexts.iter().enumerate().filter(|(_, context)| !context.is_free()) {
            let hash = self.table.hash(&context.file_id);
            let twice = contexts[..index].iter().any(|other| !other.is_free() && other.file_id == context.file_id);
            if twice || self.table.find(hash, &context.file_id, self.slab.contexts()).is_some() {
                return Err(PageError::Duplicate(index));
            }
        }
        self.table.reserve(PAGE_SLOTS).map_err(|_| PageError::Memory)?;
        self.slab.grow_to(page + 1).map_err(|_| PageError::Memory)?;
        for (index, context) in contexts.into_iter().enumerate().filter(|(_, context)| !context.is_free()) {
            let slot = page * PAGE_SLOTS + index;
            self.slab.acquire_at(slot);
            self.table.insert(self.table.hash(&context.file_id), slot as u32);
            *self.slab.at(slot as u32) = context;
        }
        Ok(())
    }

    /// Drops every file whose id starts with `producer_id`; returns how many.
    pub fn drop_producer(&mut self, producer_id: &[u8; 8]) -> usize {
        let mut dropped = 0;
        for slot in 0..self.slab.contexts().len() as u32 {
            let context = self.slab.at(slot);
            if context.is_free() || context.file_id[..8] != producer_id[..] {
                continue;
            }
            let file_id = context.file_id;
            self.table.remove(self.table.hash(&file_id), slot);
            self.slab.mark_dirty(slot);
            self.slab.release(slot);
            dropped += 1;
        }
        dropped
    }

    /// Forgets all files and pages, dirty or not.
    pub fn clear(&mut self) {
        self.slab.clear();
        self.table.clear();
    }

    /// The state and the last sequence of an open file.
    pub fn lookup(&self, file_id: &FileId) -> Option<(u32, [u8; STATE_BYTES])> {
        let slot = self.table.find(self.table.hash(file_id), file_id, self.slab.contexts())?;
        let context = &self.slab.contexts()[slot as usize];
        let mut state = [0u8; STATE_BYTES];
        codec::encode(context, &mut state);
        Some((context.last_sequence, state))
    }
}
