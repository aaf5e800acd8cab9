//! From file id to slot. An entry holds 32 bits of the id's hash beside the slot. So growing and deleting never touch
//! the slab, and a look-up touches it once.
//!
//! The entries lie in segments of one page of memory, by linear hashing. The low bits of the hash name the segment. The
//! table grows and shrinks by one segment, whose entries come from or go to one other segment. No operation moves more
//! entries than that.
//!
//! Within its segment an entry lies at its home, which the high bits of the hash name, or behind it. Entries further
//! from home go first (Robin Hood hashing), so that distances are nearly equal, and a look-up ends where a nearer entry
//! lies. An entry that would lie `DISTANCE_MAX` from home, or push another one there, goes to a second table, whose
//! hash has other keys. That does not happen by chance. Ids that somebody chose because they collide do not collide in
//! the second table.

use std::collections::TryReserveError;

use crate::backend::{IdHasher, prefetch};
use crate::context::FileId;
use crate::contexts::Contexts;
use crate::page::{PAGE_SLOTS, PAGES_MAX};

/// Entries of a segment: 4 KiB.
const SEGMENT_ENTRIES: usize = 512;
/// Files in a segment above which the table grows. Segments that were not yet split in a round hold twice that, and so
/// are at most five eighths full.
const SEGMENT_FILES_MAX: usize = 160;
/// Files in a segment below which the table shrinks.
const SEGMENT_FILES_MIN: usize = 64;
/// How far from its home an entry may lie.
const DISTANCE_MAX: usize = 40;
/// Bits of the hash that name the home.
const HOME_BITS: u32 = SEGMENT_ENTRIES.trailing_zeros();
/// Segments that a second-level cache keeps beside their contexts: those of about 2,000 files.
const SEGMENTS_AT_HAND: usize = 16;
/// Segments of a small table, whose list of segments may still move.
const SEGMENTS_FEW: usize = 64;
/// Segments that all files of a pool can need.
const SEGMENTS_MAX: usize = (PAGES_MAX * PAGE_SLOTS).div_ceil(SEGMENT_FILES_MAX);
const _: () = assert!(SEGMENTS_MAX.next_power_of_two() <= 1 << (u32::BITS - HOME_BITS));

/// 0 is empty; else the hash in the high half, slot + 1 in the low half.
type Segment = [u64; SEGMENT_ENTRIES];

pub(crate) struct Table {
    segments: Vec<Box<Segment>>,
    /// The next power of two of the number of segments, less 1.
    mask: usize,
    count: usize,
    hasher: IdHasher,
    /// The table for entries that would lie too far from home.
    beyond: Option<Box<Table>>,
    #[cfg(test)]
    moved: usize,
}

fn entry_of(hash: u32, slot: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(slot + 1)
}

#[inline(always)]
fn home(hash: u32) -> usize {
    (hash >> (u32::BITS - HOME_BITS)) as usize
}

/// How far behind its home an entry at `position` lies.
#[inline(always)]
fn distance(entry: u64, position: usize) -> usize {
    position.wrapping_sub(home((entry >> 32) as u32)) % SEGMENT_ENTRIES
}

impl Table {
    pub(crate) fn new() -> Self {
        Self::with_hasher(IdHasher::new())
    }

    fn with_hasher(hasher: IdHasher) -> Self {
        Self {
            segments: vec![Box::new([0; SEGMENT_ENTRIES])],
            mask: 0,
            count: 0,
            hasher,
            beyond: None,
            #[cfg(test)]
            moved: 0,
        }
    }

    /// The 32 bits of hash that the other functions take.
    #[inline(always)]
    pub(crate) fn hash(&self, file_id: &FileId) -> u32 {
        self.hasher.hash(file_id)
    }

    /// Bytes that the table holds.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.segments.len() * size_of::<Segment>() + self.beyond.as_ref().map_or(0, |table| table.memory_bytes())
    }

    #[inline(always)]
    fn segment_number(&self, hash: u32) -> usize {
        let number = hash as usize & self.mask;
        if number < self.segments.len() { number } else { number & (self.mask >> 1) }
    }

    #[inline(always)]
    fn segment(&self, hash: u32) -> &Segment {
        &self.segments[self.segment_number(hash)]
    }

    /// Whether a second-level cache keeps the table, and the contexts that it leads to, without prefetching.
    #[inline(always)]
    pub(crate) fn is_at_hand(&self) -> bool {
        self.mask < SEGMENTS_AT_HAND
    }

    /// Prefetches the entry where a look-up begins.
    #[inline(always)]
    pub(crate) fn prefetch(&self, hash: u32) {
        prefetch(&self.segment(hash)[home(hash)]);
    }

    /// Prefetches the context at which a look-up most likely ends.
    #[inline(always)]
    pub(crate) fn prefetch_context(&self, hash: u32, contexts: &Contexts) {
        let segment = self.segment(hash);
        let (first, second) = (segment[home(hash)], segment[(home(hash) + 1) % SEGMENT_ENTRIES]);
        let entry = if (first >> 32) as u32 == hash { first } else { second };
        if let Some(context) = contexts.get((entry as u32).wrapping_sub(1)) {
            prefetch(context);
        }
    }

    /// The slot of `file_id`, whose hash is given.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u32, file_id: FileId, contexts: &Contexts) -> Option<u32> {
        let found = self.seek(hash, |slot| contexts[slot].file_id == file_id).0;
        match &self.beyond {
            Some(beyond) if found.is_none() => beyond.find_beyond(file_id, contexts),
            _ => found,
        }
    }

    #[cold]
    fn find_beyond(&self, file_id: FileId, contexts: &Contexts) -> Option<u32> {
        self.find(self.hash(&file_id), file_id, contexts)
    }

    /// The slot of this table's entry with `hash` for which `is_it` is true, and how many entries were looked at.
    #[inline(always)]
    fn seek(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> (Option<u32>, usize) {
        let segment = self.segment(hash);
        let home = home(hash);
        for probe in 0..SEGMENT_ENTRIES {
            let position = (home + probe) % SEGMENT_ENTRIES;
            let entry = segment[position];
            if entry == 0 {
                return (None, probe + 1);
            }
            if (entry >> 32) as u32 == hash && is_it(entry as u32 - 1) {
                return (Some(entry as u32 - 1), probe + 1);
            }
            if distance(entry, position) < probe {
                return (None, probe + 1);
            }
        }
        (None, SEGMENT_ENTRIES)
    }

    /// Makes room for `additional` more entries.
    #[inline]
    pub(crate) fn reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        while self.count + additional > self.segments.len() * SEGMENT_FILES_MAX {
            self.split()?;
        }
        Ok(())
    }

    /// Adds an id that is not in the table. Room for it must be reserved.
    pub(crate) fn insert(&mut self, hash: u32, slot: u32, file_id: FileId) -> Result<(), TryReserveError> {
        if self.put(entry_of(hash, slot), DISTANCE_MAX) {
            self.count += 1;
            return Ok(());
        }
        let beyond = self.beyond.get_or_insert_with(|| Box::new(Table::new()));
        beyond.reserve(1)?;
        beyond.insert(beyond.hash(&file_id), slot, file_id)
    }

    /// Puts back an entry that was removed since the table last shrank. There is always a place for it.
    pub(crate) fn put_back(&mut self, hash: u32, slot: u32) {
        assert!(self.put(entry_of(hash, slot), SEGMENT_ENTRIES), "a removed entry left a place");
        self.count += 1;
    }

    fn put(&mut self, entry: u64, distance_max: usize) -> bool {
        let number = self.segment_number((entry >> 32) as u32);
        let moved = place(&mut self.segments[number], entry, distance_max);
        #[cfg(test)]
        {
            self.moved += moved.unwrap_or(0);
        }
        moved.is_some()
    }

    /// Removes the entry of `slot`, which is in the table under `hash`, the hash of `file_id`.
    pub(crate) fn remove(&mut self, hash: u32, slot: u32, file_id: FileId) {
        let number = self.segment_number(hash);
        let segment = &mut self.segments[number];
        let wanted = entry_of(hash, slot);
        let positions = (home(hash)..home(hash) + SEGMENT_ENTRIES).map(|position| position % SEGMENT_ENTRIES);
        let Some(mut hole) = positions.take_while(|at| segment[*at] != 0).find(|at| segment[*at] == wanted) else {
            let Some(beyond) = &mut self.beyond else { panic!("the slot is in the table") };
            return beyond.remove(beyond.hash(&file_id), slot, file_id);
        };
        // Entries behind it that are not at home move one place nearer.
        loop {
            let next = (hole + 1) % SEGMENT_ENTRIES;
            if segment[next] == 0 || distance(segment[next], next) == 0 {
                break;
            }
            segment[hole] = segment[next];
            hole = next;
        }
        segment[hole] = 0;
        self.count -= 1;
    }

    /// Adds a segment, and moves the entries there that now belong there.
    #[cold]
    fn split(&mut self) -> Result<(), TryReserveError> {
        let last = self.segments.len();
        let room = if last < SEGMENTS_FEW { SEGMENTS_FEW } else { SEGMENTS_MAX.max(last + 1) };
        self.segments.try_reserve_exact(room - last)?;
        let mut added = Vec::new();
        added.try_reserve_exact(SEGMENT_ENTRIES)?;
        added.resize(SEGMENT_ENTRIES, 0);
        self.segments.extend(added.into_boxed_slice().try_into().ok());
        self.mask = (last + 1).next_power_of_two() - 1;
        let from = last & (self.mask >> 1);
        let entries = std::mem::replace(&mut *self.segments[from], [0; SEGMENT_ENTRIES]);
        for entry in entries.into_iter().filter(|entry| *entry != 0) {
            // With fewer entries, no entry lies further from home than before.
            assert!(self.put(entry, SEGMENT_ENTRIES), "half of a segment's entries have a place");
        }
        Ok(())
    }

    /// Removes the last segment if the segment that it was split from can take its entries. False if it cannot.
    fn join(&mut self) -> bool {
        let last = self.segments.len() - 1;
        let into = last & (self.mask >> 1);
        let mut joined = *self.segments[into];
        for entry in self.segments[last].iter().filter(|entry| **entry != 0) {
            if place(&mut joined, *entry, DISTANCE_MAX).is_none() {
                return false;
            }
        }
        *self.segments[into] = joined;
        #[cfg(test)]
        {
            self.moved += SEGMENT_ENTRIES;
        }
        self.segments.pop();
        self.mask = last.next_power_of_two() - 1;
        true
    }

    pub(crate) fn segments(&self) -> usize {
        self.segments.len()
    }

    /// Gives segments back down to `segments`, as long as the files that are left fit.
    pub(crate) fn shrink_to(&mut self, segments: usize) {
        let needed = self.count.div_ceil(SEGMENT_FILES_MAX);
        while self.segments.len() > segments.max(needed).max(1) && self.join() {}
        if self.beyond.as_ref().is_some_and(|beyond| beyond.is_empty()) {
            self.beyond = None;
        }
    }

    /// Gives segments back while there are many more than the files need.
    pub(crate) fn shrink(&mut self) {
        if self.count < (self.segments.len() - 1) * SEGMENT_FILES_MIN || self.beyond.is_some() {
            self.shrink_to(self.count / SEGMENT_FILES_MIN + 1);
        }
    }

    fn is_empty(&self) -> bool {
        self.count == 0 && self.beyond.as_ref().is_none_or(|beyond| beyond.is_empty())
    }
}

/// Puts an entry at its place, and moves those behind it one further, if none of them comes to lie more than
/// `distance_max` from home. Returns how many entries were written, or None when nothing changed.
#[inline]
fn place(segment: &mut Segment, entry: u64, distance_max: usize) -> Option<usize> {
    let mut at = home((entry >> 32) as u32);
    let mut probe = 0;
    while segment[at] != 0 && distance(segment[at], at) >= probe {
        probe += 1;
        at = (at + 1) % SEGMENT_ENTRIES;
        if probe > distance_max || probe == SEGMENT_ENTRIES {
            return None;
        }
    }
    let mut moved = 0;
    let mut end = at;
    while segment[end] != 0 {
        moved += 1;
        if distance(segment[end], end) >= distance_max || moved == SEGMENT_ENTRIES {
            return None;
        }
        end = (end + 1) % SEGMENT_ENTRIES;
    }
    while end != at {
        let before = end.wrapping_sub(1) % SEGMENT_ENTRIES;
        segment[end] = segment[before];
        end = before;
    }
    segment[at] = entry;
    Some(moved + 1)
}

#[cfg(test)]
mod tests;
