//! All contexts of a pool in one allocation, by slot; which slots are free; which pages of 31 slots changed since they
//! were last taken. The lowest free slot goes first, so that files gather in few pages.

use std::collections::TryReserveError;

use crate::bits::Bits;
use crate::context::Context;
use crate::page::{PAGE_SLOTS, PAGES_MAX};

#[derive(Default)]
pub(crate) struct Slab {
    contexts: Vec<Context>,
    free: Bits,
    dirty: Bits,
}

impl Slab {
    pub(crate) fn contexts(&self) -> &[Context] {
        &self.contexts
    }

    pub(crate) fn contexts_mut(&mut self) -> &mut [Context] {
        &mut self.contexts
    }

    #[inline]
    pub(crate) fn at(&mut self, slot: u32) -> &mut Context {
        &mut self.contexts[slot as usize]
    }

    pub(crate) fn open_files(&self) -> usize {
        self.contexts.len() - self.free.len()
    }

    pub(crate) fn page_count(&self) -> usize {
        self.contexts.len() / PAGE_SLOTS
    }

    pub(crate) fn page(&self, page: usize) -> &[Context] {
        &self.contexts[page * PAGE_SLOTS..(page + 1) * PAGE_SLOTS]
    }

    /// Takes the lowest free slot, growing by a page if there is none; None at the bound or without memory.
    pub(crate) fn acquire(&mut self) -> Option<u32> {
        let slot = match self.free.first() {
            Some(slot) => slot,
            None => {
                let pages = self.page_count();
                if pages == PAGES_MAX {
                    return None;
                }
                self.grow_to(pages + 1).ok()?;
                pages * PAGE_SLOTS
            }
        };
        self.free.remove(slot);
        Some(slot as u32)
    }

    /// Takes that slot, which is free.
    pub(crate) fn acquire_at(&mut self, slot: usize) {
        self.free.remove(slot);
    }

    pub(crate) fn release(&mut self, slot: u32) {
        self.contexts[slot as usize].last_sequence = 0;
        self.free.insert(slot as usize);
    }

    pub(crate) fn grow_to(&mut self, pages: usize) -> Result<(), TryReserveError> {
        let slots = pages * PAGE_SLOTS;
        let first = self.contexts.len();
        if slots <= first {
            return Ok(());
        }
        self.free.reserve(slots)?;
        self.dirty.reserve(pages)?;
        self.contexts.try_reserve(slots - first)?;
        self.contexts.resize(slots, Context::FREE);
        for slot in first..slots {
            self.free.insert(slot);
        }
        Ok(())
    }

    /// Takes back the growth past `pages`, whose slots are all free and not dirty.
    pub(crate) fn shrink_to(&mut self, pages: usize) {
        let slots = pages * PAGE_SLOTS;
        for slot in slots..self.contexts.len() {
            self.free.remove(slot);
        }
        self.contexts.truncate(slots);
    }

    #[inline]
    pub(crate) fn mark_dirty(&mut self, slot: u32) {
        self.dirty.insert(slot as usize / PAGE_SLOTS);
    }

    pub(crate) fn dirty_pages(&self) -> usize {
        self.dirty.len()
    }

    /// The dirty pages' numbers, ascending.
    pub(crate) fn dirty_numbers(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.page_count()).filter(|page| self.dirty.contains(*page))
    }

    pub(crate) fn clear_dirty(&mut self) {
        self.dirty.clear();
    }

    pub(crate) fn clear(&mut self) {
        self.contexts.clear();
        self.free.clear();
        self.dirty.clear();
    }
}
