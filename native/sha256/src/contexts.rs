//! Contexts by slot, in chunks that are allocated at first use and never move, so growing copies no context. Each chunk
//! also notes which of its slots are in use.

use std::collections::TryReserveError;
use std::ops::{Index, IndexMut};

use crate::context::Context;

/// Slots of a chunk: 16 KiB.
pub(crate) const CHUNK_SLOTS: usize = 128;
/// Chunks of a small pool, whose list of chunks may still move.
const CHUNKS_FEW: usize = 64;

const WORD_BITS: usize = 64;
const CHUNK_WORDS: usize = CHUNK_SLOTS / WORD_BITS;

struct Chunk {
    contexts: [Context; CHUNK_SLOTS],
    used: [u64; CHUNK_WORDS],
    used_count: usize,
}

impl Chunk {
    const FREE: Chunk =
        Chunk { contexts: [const { Context::FREE }; CHUNK_SLOTS], used: [0; CHUNK_WORDS], used_count: 0 };

    fn allocated() -> Result<Option<Box<[Chunk; 1]>>, TryReserveError> {
        let mut chunk = Vec::new();
        chunk.try_reserve_exact(1)?;
        chunk.push(Self::FREE);
        Ok(chunk.into_boxed_slice().try_into().ok())
    }
}

#[derive(Default)]
pub(crate) struct Contexts {
    /// A box of one element, because only a vector can be refused its memory without ending the process.
    chunks: Vec<Option<Box<[Chunk; 1]>>>,
    provided: usize,
}

impl Contexts {
    /// The context of a slot, if the slot has memory.
    #[inline(always)]
    pub(crate) fn get(&self, slot: u32) -> Option<&Context> {
        let [chunk] = &**self.chunks.get(slot as usize / CHUNK_SLOTS)?.as_ref()?;
        Some(&chunk.contexts[slot as usize % CHUNK_SLOTS])
    }

    #[inline(always)]
    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Context> {
        let [chunk] = &mut **self.chunks.get_mut(slot as usize / CHUNK_SLOTS)?.as_mut()?;
        Some(&mut chunk.contexts[slot as usize % CHUNK_SLOTS])
    }

    /// Whether a slot is in use; its context is not touched.
    #[inline(always)]
    pub(crate) fn is_used(&self, slot: u32) -> bool {
        let Some(Some(chunk)) = self.chunks.get(slot as usize / CHUNK_SLOTS) else { return false };
        let offset = slot as usize % CHUNK_SLOTS;
        chunk[0].used[offset / WORD_BITS] >> (offset % WORD_BITS) & 1 == 1
    }

    /// How many slots of a chunk are in use.
    pub(crate) fn used_count(&self, chunk: usize) -> usize {
        self.chunks.get(chunk).and_then(Option::as_ref).map_or(0, |chunk| chunk[0].used_count)
    }

    /// The lowest free slot of a chunk that has one.
    pub(crate) fn first_free(&self, chunk: usize) -> usize {
        let used = self.chunks.get(chunk).and_then(Option::as_ref).map_or([0; CHUNK_WORDS], |chunk| chunk[0].used);
        let word = used.iter().position(|word| *word != u64::MAX).unwrap_or(0);
        chunk * CHUNK_SLOTS + word * WORD_BITS + used[word].trailing_ones() as usize
    }

    /// The number of chunks up to the last one that has memory or had some.
    pub(crate) fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Gives the chunk of a slot memory; new contexts are `Context::FREE`. There will be at most `chunks_max` chunks.
    pub(crate) fn provide(&mut self, slot: usize, chunks_max: usize) -> Result<(), TryReserveError> {
        let number = slot / CHUNK_SLOTS;
        if number >= self.chunks.len() {
            let room = if number < CHUNKS_FEW { CHUNKS_FEW } else { chunks_max };
            self.chunks.try_reserve_exact(room - self.chunks.len())?;
            self.chunks.resize_with(number + 1, || None);
        }
        if self.chunks[number].is_none() {
            self.chunks[number] = Chunk::allocated()?;
            self.provided += 1;
        }
        Ok(())
    }

    /// Notes that a slot, which has memory, is in use or free. Returns how many slots of its chunk are now in use.
    pub(crate) fn set_used(&mut self, slot: u32, is_used: bool) -> usize {
        let Some(chunk) = &mut self.chunks[slot as usize / CHUNK_SLOTS] else { no_memory(slot) };
        let [chunk] = &mut **chunk;
        let offset = slot as usize % CHUNK_SLOTS;
        let (word, bit) = (&mut chunk.used[offset / WORD_BITS], 1 << (offset % WORD_BITS));
        assert_ne!(*word & bit != 0, is_used, "slot {slot} is taken and given back in turns");
        *word ^= bit;
        chunk.used_count = if is_used { chunk.used_count + 1 } else { chunk.used_count - 1 };
        chunk.used_count
    }

    /// Frees the memory of a chunk without used slots.
    pub(crate) fn release_chunk(&mut self, number: usize) {
        if self.chunks[number].take().is_some() {
            self.provided -= 1;
        }
    }

    /// Bytes of the chunks and of their list.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.provided * size_of::<Chunk>() + self.chunks.len() * size_of::<Option<Box<[Chunk; 1]>>>()
    }
}

impl Index<u32> for Contexts {
    type Output = Context;

    #[inline(always)]
    fn index(&self, slot: u32) -> &Context {
        let Some(context) = self.get(slot) else { no_memory(slot) };
        context
    }
}

impl IndexMut<u32> for Contexts {
    #[inline(always)]
    fn index_mut(&mut self, slot: u32) -> &mut Context {
        let Some(context) = self.get_mut(slot) else { no_memory(slot) };
        context
    }
}

#[cold]
#[inline(never)]
fn no_memory(slot: u32) -> ! {
    panic!("slot {slot} has no memory")
}
