//! Streams by slot number, for chunks that are already sliced: no ids, no sequences, no pages. Every call first
//! validates all its arguments, and changes nothing if one is wrong.

use std::fmt;

use crate::backend::{Backend, Splicer, prefetch, with_vectors};
use crate::codec::{self, STATE_BYTES, StateError};
use crate::context::{BYTE_COUNT_MAX, Context, DIGEST_BYTES, FILE_ID_BYTES, digest_bytes};
use crate::plan::PREFETCH_AHEAD;
use crate::record::PAYLOAD_BYTES_MAX;
use crate::slab::Slab;
use crate::window::Window;

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotError {
    /// Two arguments have lengths that do not fit each other.
    Lengths,
    /// The slot at this index is not open, or ends twice in one call.
    Slot(usize),
    /// The end at this index lies before the previous end, or the last end is not the length of the data.
    End(usize),
    /// The stream at this index would get too long.
    TooLong(usize),
    /// No room or memory for another stream.
    Full,
    /// The bytes to resume are not a state.
    State(StateError),
}

impl fmt::Display for SlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SlotError::Lengths => write!(f, "the lengths of the arguments do not fit each other"),
            SlotError::Slot(index) => write!(f, "the slot at index {index} is not open, or is there twice"),
            SlotError::End(index) => write!(f, "the end at index {index} is not in order, or not the data's length"),
            SlotError::TooLong(index) => write!(f, "the stream at index {index} would be longer than 2^61 - 1 bytes"),
            SlotError::Full => write!(f, "there is no room for another stream"),
            SlotError::State(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SlotError {}

/// Streams by slot.
pub struct SlotPool {
    slab: Slab,
    /// The bound on the length of every stream.
    bytes_bound: u64,
    window: Window,
    backend: Backend,
}

impl SlotPool {
    /// A pool without streams.
    pub fn new(backend: Backend) -> Self {
        Self { slab: Slab::default(), bytes_bound: 0, window: Window::new(), backend }
    }

    /// Opens a stream and returns its slot, the lowest that is free.
    pub fn open(&mut self) -> Result<u32, SlotError> {
        let slot = self.slab.acquire().ok_or(SlotError::Full)?;
        let context = self.slab.at(slot);
        context.open(&[0; FILE_ID_BYTES]);
        // Any number except 0, which marks a free slot.
        context.last_sequence = 1;
        Ok(slot)
    }

    /// Opens a stream that goes on from a serialized state.
    pub fn open_state(&mut self, state: &[u8]) -> Result<u32, SlotError> {
        let mut resumed = Context::FREE;
        codec::decode(state, &mut resumed).map_err(SlotError::State)?;
        let slot = self.open()?;
        self.bytes_bound = self.bytes_bound.max(resumed.byte_count);
        *self.slab.at(slot) = Context { last_sequence: 1, ..resumed };
        Ok(slot)
    }

    /// The number of open streams.
    pub fn open_streams(&self) -> usize {
        self.slab.open_files()
    }

    /// Bytes that the pool holds.
    pub fn memory_bytes(&self) -> usize {
        self.slab.memory_bytes() + Window::MEMORY_BYTES
    }

    /// Forgets all streams and gives their memory back.
    pub fn clear(&mut self) {
        self.slab = Slab::default();
        self.bytes_bound = 0;
    }

    /// Folds chunk i, `data[ends[i - 1]..ends[i]]` (from 0 for the first), into the stream of `slots[i]`, in order.
    pub fn fold(&mut self, slots: &[u32], ends: &[u32], data: &[u8]) -> Result<(), SlotError> {
        if slots.len() != ends.len() || data.len() > PAYLOAD_BYTES_MAX {
            return Err(SlotError::Lengths);
        }
        self.validate(slots, ends, data.len())?;
        with_vectors(
            #[inline(always)]
            |splicer| self.fold_validated(splicer, slots, ends, data),
        );
        self.bytes_bound = self.bytes_bound.saturating_add(data.len() as u64);
        Ok(())
    }

    #[inline(always)]
    fn fold_validated(&mut self, splicer: Option<Splicer>, slots: &[u32], ends: &[u32], data: &[u8]) {
        let mut start = 0;
        for (index, (&slot, &end)) in slots.iter().zip(ends).enumerate() {
            if let Some(&ahead) = slots.get(index + PREFETCH_AHEAD) {
                let context = self.slab.at(ahead);
                prefetch(context);
                prefetch(&context.block);
            }
            let end = end as usize;
            let is_full = self.window.push(splicer, self.slab.at(slot), slot, data, start, end - start);
            start = end;
            if is_full {
                self.window.flush(self.backend, self.slab.contexts_mut(), data);
            }
        }
        self.window.flush(self.backend, self.slab.contexts_mut(), data);
    }

    fn validate(&self, slots: &[u32], ends: &[u32], data_bytes: usize) -> Result<(), SlotError> {
        let contexts = self.slab.contexts();
        // A stream is at most as long as everything folded, plus the longest resumed stream. So the streams must hardly
        // ever be checked one by one. The bound is conservative by one call's data, so that the chunks of one stream
        // need not be added up.
        let bytes_max = BYTE_COUNT_MAX - data_bytes as u64;
        let may_be_long = self.bytes_bound > bytes_max;
        let mut start = 0;
        for (index, (&slot, &end)) in slots.iter().zip(ends).enumerate() {
            if !contexts.is_used(slot) {
                return Err(SlotError::Slot(index));
            }
            if may_be_long && contexts[slot].byte_count > bytes_max {
                return Err(SlotError::TooLong(index));
            }
            if end < start {
                return Err(SlotError::End(index));
            }
            start = end;
        }
        if start as usize == data_bytes { Ok(()) } else { Err(SlotError::End(ends.len().saturating_sub(1))) }
    }

    /// Ends the streams of `slots`: writes their digests to `digests`, 32 bytes each in that order, and frees the
    /// slots.
    pub fn finish(&mut self, slots: &[u32], digests: &mut [u8]) -> Result<(), SlotError> {
        if digests.len() != slots.len() * DIGEST_BYTES {
            return Err(SlotError::Lengths);
        }
        self.mark_ends(slots)?;
        for (slots, digests) in slots.chunks(64).zip(digests.chunks_mut(64 * DIGEST_BYTES)) {
            for &slot in slots {
                let context = self.slab.at(slot);
                context.queued = 0;
                let _ = self.window.push_end(context, slot);
            }
            self.window.flush(self.backend, self.slab.contexts_mut(), &[]);
            for (&slot, digest) in slots.iter().zip(digests.as_chunks_mut::<DIGEST_BYTES>().0) {
                *digest = digest_bytes(&self.slab.at(slot).h);
                self.slab.release(slot);
            }
        }
        Ok(())
    }

    /// Marks every slot in `queued`, which is 0 between calls, to find a slot that is named twice.
    fn mark_ends(&mut self, slots: &[u32]) -> Result<(), SlotError> {
        for (index, &slot) in slots.iter().enumerate() {
            match self.slab.contexts_mut().get_mut(slot) {
                Some(context) if !context.is_free() && context.queued == 0 => context.queued = 1,
                _ => {
                    slots[..index].iter().for_each(|&slot| self.slab.at(slot).queued = 0);
                    return Err(SlotError::Slot(index));
                }
            }
        }
        Ok(())
    }

    /// Writes the states of `slots` to `states`, 108 bytes each in that order; the streams stay open.
    pub fn save(&self, slots: &[u32], states: &mut [u8]) -> Result<(), SlotError> {
        if states.len() != slots.len() * STATE_BYTES {
            return Err(SlotError::Lengths);
        }
        let contexts = self.slab.contexts();
        if let Some(index) = slots.iter().position(|slot| !contexts.is_used(*slot)) {
            return Err(SlotError::Slot(index));
        }
        for (&slot, state) in slots.iter().zip(states.as_chunks_mut::<STATE_BYTES>().0) {
            codec::encode(&contexts[slot], state);
        }
        Ok(())
    }
}
