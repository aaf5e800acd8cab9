//! From file id to slot: open addressing with linear probing and backward-shift deletion. An entry holds 32 bits of the
//! hash beside the slot, so that growing and deleting never touch the slab, and a look-up touches it once.

use std::collections::TryReserveError;
use std::hash::{BuildHasher, RandomState};

use crate::backend::prefetch;
use crate::context::{Context, FileId};

const CAPACITY_MIN: usize = 64;

pub(crate) struct Table {
    /// 0 is empty; else the hash in the high half, slot + 1 in the low half.
    entries: Vec<u64>,
    count: usize,
    /// Random in each process, since file ids come from outside: nobody can choose ids that collide.
    seeds: [u64; 2],
}

impl Table {
    pub(crate) fn new() -> Self {
        let random = RandomState::new();
        Self { entries: vec![0; CAPACITY_MIN], count: 0, seeds: [random.hash_one(0u8), random.hash_one(1u8)] }
    }

    /// The 32 bits of hash that the other calls take.
    #[inline]
    pub(crate) fn hash(&self, file_id: &FileId) -> u32 {
        let id = u128::from_le_bytes(*file_id);
        let low = id as u64 ^ self.seeds[0];
        let high = (id >> 64) as u64 ^ self.seeds[1];
        let product = u128::from(low) * u128::from(high);
        let folded = product as u64 ^ (product >> 64) as u64;
        (folded ^ (folded >> 32)) as u32
    }

    /// Asks for the entry where a look-up begins.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u32) {
        prefetch(&self.entries[hash as usize & (self.entries.len() - 1)]);
    }

    /// Asks for the context that a look-up most likely ends at.
    #[inline]
    pub(crate) fn prefetch_context(&self, hash: u32, contexts: &[Context]) {
        let entry = self.entries[hash as usize & (self.entries.len() - 1)];
        if let Some(context) = contexts.get((entry as u32).wrapping_sub(1) as usize) {
            prefetch(context);
        }
    }

    /// The slot of `file_id`.
    #[inline]
    pub(crate) fn find(&self, hash: u32, file_id: &FileId, contexts: &[Context]) -> Option<u32> {
        let mask = self.entries.len() - 1;
        let mut position = hash as usize & mask;
        loop {
            let entry = self.entries[position];
            if entry == 0 {
                return None;
            }
            if (entry >> 32) as u32 == hash {
                let slot = (entry as u32) - 1;
                if contexts[slot as usize].file_id == *file_id {
                    return Some(slot);
                }
            }
            position = (position + 1) & mask;
        }
    }

    /// Makes room for `additional` more entries.
    #[inline]
    pub(crate) fn reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        // At most half full: probes stay short and always end.
        let needed = (self.count + additional) * 2;
        if needed <= self.entries.len() { Ok(()) } else { self.grow(needed.next_power_of_two()) }
    }

    fn grow(&mut self, capacity: usize) -> Result<(), TryReserveError> {
        let mut entries = Vec::new();
        entries.try_reserve_exact(capacity)?;
        entries.resize(capacity, 0);
        let previous = std::mem::replace(&mut self.entries, entries);
        for entry in previous.into_iter().filter(|entry| *entry != 0) {
            self.place(entry);
        }
        Ok(())
    }

    /// Adds an id that is not in the table. Room for it was reserved.
    pub(crate) fn insert(&mut self, hash: u32, slot: u32) {
        self.place(u64::from(hash) << 32 | u64::from(slot + 1));
        self.count += 1;
    }

    fn place(&mut self, entry: u64) {
        let mask = self.entries.len() - 1;
        let mut position = (entry >> 32) as usize & mask;
        while self.entries[position] != 0 {
            position = (position + 1) & mask;
        }
        self.entries[position] = entry;
    }

    /// Removes the entry of `slot`, which is in the table under `hash`.
    pub(crate) fn remove(&mut self, hash: u32, slot: u32) {
        let mask = self.entries.len() - 1;
        let wanted = u64::from(hash) << 32 | u64::from(slot + 1);
        let mut hole = hash as usize & mask;
        while self.entries[hole] != wanted {
            assert!(self.entries[hole] != 0, "the slot is in the table");
            hole = (hole + 1) & mask;
        }
        self.count -= 1;
        let mut position = hole;
        loop {
            position = (position + 1) & mask;
            let entry = self.entries[position];
            if entry == 0 {
                break;
            }
            let home = (entry >> 32) as usize & mask;
            // Moves back unless the hole lies before the entry's home.
            if (position.wrapping_sub(home) & mask) >= (position.wrapping_sub(hole) & mask) {
                self.entries[hole] = entry;
                hole = position;
            }
        }
        self.entries[hole] = 0;
    }

    pub(crate) fn clear(&mut self) {
        self.entries.fill(0);
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::Table;
    use crate::context::{Context, FileId};

    const FILES: u32 = if cfg!(miri) { 40 } else { 600 };
    const STEPS: usize = if cfg!(miri) { 150 } else { 20_000 };

    fn file_id(number: u32) -> FileId {
        let mut id = [7; 16];
        id[8..12].copy_from_slice(&number.to_be_bytes());
        id
    }

    /// Slot n belongs to file n; hashes are cut to a few values, so that chains are long and wrap around.
    fn agrees_with_a_map(hash_bits: u32) {
        let contexts: Vec<_> = (0..FILES).map(|file| Context { file_id: file_id(file), ..Context::FREE }).collect();
        let mut table = Table::new();
        let mut map = HashMap::new();
        let mut random = 99u64;
        for _ in 0..STEPS {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let file = (random >> 33) as u32 % FILES;
            let hash = table.hash(&file_id(file)) | u32::MAX << hash_bits;
            match map.remove(&file) {
                Some(()) => table.remove(hash, file),
                None => {
                    table.reserve(1).unwrap();
                    table.insert(hash, file);
                    map.insert(file, ());
                }
            }
            let probe = (random >> 13) as u32 % FILES;
            let probe_hash = table.hash(&file_id(probe)) | u32::MAX << hash_bits;
            let found = table.find(probe_hash, &file_id(probe), &contexts);
            assert_eq!(found, map.contains_key(&probe).then_some(probe));
        }
    }

    #[test]
    fn look_ups_agree_with_a_map_whatever_collides() {
        for hash_bits in [0, 1, 4, 9, 31] {
            agrees_with_a_map(hash_bits);
        }
    }
}
