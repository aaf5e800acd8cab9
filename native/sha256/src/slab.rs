//! The contexts of a pool by slot, which slots are in use, and which pages of 31 slots changed since they were last
//! taken. The lowest free slot goes first, so that files gather in few pages, and the memory of the others can be given
//! back.

use std::collections::TryReserveError;

use crate::bits::Bits;
use crate::context::Context;
use crate::contexts::{CHUNK_SLOTS, Contexts};
use crate::page::{PAGE_SLOTS, PAGES_MAX};

const SLOTS_MAX: usize = PAGES_MAX * PAGE_SLOTS;
const CHUNKS_MAX: usize = SLOTS_MAX.div_ceil(CHUNK_SLOTS);

/// 2^32 / PAGE_SLOTS, rounded up.
const PAGE_FACTOR: u64 = (1 << 32) / PAGE_SLOTS as u64 + 1;
// The rounding error, times a slot, does not reach the next page.
const _: () = assert!((PAGE_FACTOR * PAGE_SLOTS as u64 - (1 << 32)) * (SLOTS_MAX as u64) < 1 << 32);

/// The page of a slot. For every record this is one multiplication; a division of any u32 would take seven
/// instructions.
#[inline(always)]
fn page_of(slot: u32) -> usize {
    ((u64::from(slot) * PAGE_FACTOR) >> 32) as usize
}

#[derive(Default)]
pub(crate) struct Slab {
    contexts: Contexts,
    /// Chunks that have a free slot.
    roomy: Bits,
    open_files: usize,
    pages: usize,
    dirty: Bits,
    /// A chunk that kept its memory when its last file ended, because the next file may come at once.
    spare: Option<usize>,
}

impl Slab {
    #[inline(always)]
    pub(crate) fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    #[inline(always)]
    pub(crate) fn contexts_mut(&mut self) -> &mut Contexts {
        &mut self.contexts
    }

    #[inline(always)]
    pub(crate) fn at(&mut self, slot: u32) -> &mut Context {
        &mut self.contexts[slot]
    }

    pub(crate) fn open_files(&self) -> usize {
        self.open_files
    }

    pub(crate) fn page_count(&self) -> usize {
        self.pages
    }

    /// One past the last slot that may have memory.
    pub(crate) fn slot_bound(&self) -> u32 {
        (self.contexts.chunk_count() * CHUNK_SLOTS) as u32
    }

    /// Bytes that the slab holds.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.contexts.memory_bytes()
    }

    /// The contexts of a page; None for a slot without memory.
    pub(crate) fn page(&self, page: usize) -> impl Iterator<Item = Option<&Context>> {
        (page * PAGE_SLOTS..(page + 1) * PAGE_SLOTS).map(|slot| self.contexts.get(slot as u32))
    }

    /// Takes the lowest free slot; None at the bound or without memory.
    pub(crate) fn acquire(&mut self) -> Option<u32> {
        let slot = self.contexts.first_free(self.roomy.first().unwrap_or(self.contexts.chunk_count()));
        if slot >= SLOTS_MAX {
            return None;
        }
        self.provide(slot).ok()?;
        self.acquire_at(slot as u32);
        Some(slot as u32)
    }

    /// Makes room for a slot, so that it can be taken.
    pub(crate) fn provide(&mut self, slot: usize) -> Result<(), TryReserveError> {
        let chunks = self.contexts.chunk_count();
        self.dirty.reserve(slot / PAGE_SLOTS + 1, PAGES_MAX)?;
        self.roomy.reserve(slot / CHUNK_SLOTS + 1, CHUNKS_MAX)?;
        let provided = self.contexts.provide(slot, CHUNKS_MAX);
        (chunks..self.contexts.chunk_count()).for_each(|chunk| self.roomy.insert(chunk));
        provided
    }

    /// Takes this slot, which is free and has room.
    pub(crate) fn acquire_at(&mut self, slot: u32) {
        if self.contexts.set_used(slot, true) == CHUNK_SLOTS {
            self.roomy.remove(slot as usize / CHUNK_SLOTS);
        }
        self.open_files += 1;
        self.raise_page_count(slot as usize / PAGE_SLOTS + 1);
    }

    pub(crate) fn release(&mut self, slot: u32) {
        let chunk = slot as usize / CHUNK_SLOTS;
        self.contexts[slot].last_sequence = 0;
        let used = self.contexts.set_used(slot, false);
        self.roomy.insert(chunk);
        self.open_files -= 1;
        if used == 0 && self.spare != Some(chunk) {
            self.release_spare();
            self.spare = Some(chunk);
        }
    }

    fn release_spare(&mut self) {
        if let Some(chunk) = self.spare.take().filter(|chunk| self.contexts.used_count(*chunk) == 0) {
            self.contexts.release_chunk(chunk);
        }
    }

    /// Pages without files count, and take no memory.
    pub(crate) fn raise_page_count(&mut self, pages: usize) {
        self.pages = self.pages.max(pages);
    }

    /// Takes back the growth past `pages`, whose slots are all free and not dirty.
    pub(crate) fn shrink_to(&mut self, pages: usize) {
        self.pages = pages;
        self.release_spare();
    }

    #[inline]
    pub(crate) fn mark_dirty(&mut self, slot: u32) {
        self.dirty.insert(page_of(slot));
    }

    pub(crate) fn dirty_pages(&self) -> usize {
        self.dirty.len()
    }

    /// The dirty pages' numbers, ascending.
    pub(crate) fn dirty_numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.dirty.iter()
    }

    pub(crate) fn clear_dirty(&mut self) {
        self.dirty.clear();
    }
}
