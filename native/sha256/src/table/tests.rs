//! The table against a map whatever collides; how far its look-ups go with any keys; and how many entries its
//! operations move.

use std::collections::HashMap;

use super::{DISTANCE_MAX, IdHasher, SEGMENT_ENTRIES, SEGMENT_FILES_MAX, Table};
use crate::context::{Context, FileId};
use crate::contexts::Contexts;

const IS_SLOW: bool = cfg!(miri);
const FILES: u32 = if IS_SLOW { 40 } else { 600 };
const STEPS: usize = if IS_SLOW { 150 } else { 20_000 };

fn file_id(number: u32) -> FileId {
    let mut id = [7; 16];
    id[12..].copy_from_slice(&number.to_be_bytes());
    id
}

/// Slot n belongs to file n.
fn contexts_of(files: u32, file_id: impl Fn(u32) -> FileId) -> Contexts {
    let mut contexts = Contexts::default();
    for file in 0..files {
        contexts.provide(file as usize, 1 << 17).unwrap();
        contexts[file] = Context { file_id: file_id(file), ..Context::FREE };
    }
    contexts
}

impl Table {
    /// The most entries that a look-up looks at, over all tables.
    fn probes(&self, file_id: &FileId, contexts: &Contexts) -> usize {
        let (found, probes) = self.seek(self.hash(file_id), |slot| contexts[slot].file_id == *file_id);
        match &self.beyond {
            Some(beyond) if found.is_none() => probes + beyond.probes(file_id, contexts),
            _ => probes,
        }
    }

    fn open(&mut self, file_id: &FileId, slot: u32) {
        self.reserve(1).unwrap();
        self.insert(self.hash(file_id), slot, *file_id).unwrap();
    }

    fn take_moved(&mut self) -> usize {
        let beyond = self.beyond.as_mut().map_or(0, |beyond| beyond.take_moved());
        std::mem::take(&mut self.moved) + beyond
    }
}

/// A generator of keys, and of everything else that a test draws.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.0
    }
}

/// Hashes are cut to a few values, so that chains are long, wrap around, and overflow into a second table.
fn agrees_with_a_map(hash_bits: u32) {
    let contexts = contexts_of(FILES, file_id);
    let mut table = Table::new();
    let mut map = HashMap::new();
    let mut random = Random(99);
    let cut = |table: &Table, file| table.hash(&file_id(file)) | u32::MAX.checked_shl(hash_bits).unwrap_or(0);
    for step in 0..STEPS {
        let file = (random.next() >> 33) as u32 % FILES;
        let hash = cut(&table, file);
        match map.remove(&file) {
            Some(()) => table.remove(hash, file, file_id(file)),
            None => {
                table.reserve(1).unwrap();
                table.insert(hash, file, file_id(file)).unwrap();
                map.insert(file, ());
            }
        }
        if step % 64 == 0 {
            table.shrink();
        }
        let probe = (random.next() >> 13) as u32 % FILES;
        let found = table.find(cut(&table, probe), file_id(probe), &contexts);
        assert_eq!(found, map.contains_key(&probe).then_some(probe));
    }
    for file in map.into_keys() {
        table.remove(cut(&table, file), file, file_id(file));
    }
    table.shrink();
    assert!(table.is_empty() && table.beyond.is_none() && table.segments() == 1);
}

#[test]
fn look_ups_agree_with_a_map_whatever_collides() {
    for hash_bits in [0, 1, 4, 9, 31, 32] {
        agrees_with_a_map(hash_bits);
    }
}

/// The mean number of entries that a look-up looks at, over `files` files in the table and as many that are not in it.
fn mean_probes(hasher: IdHasher, files: u32, contexts: &Contexts, file_id: impl Fn(u32) -> FileId) -> f64 {
    let mut table = Table::with_hasher(hasher);
    (0..files).for_each(|file| table.open(&file_id(file), file));
    assert!(table.beyond.is_none());
    let probes = (0..2 * files).map(|file| table.probes(&file_id(file), contexts)).sum::<usize>();
    probes as f64 / f64::from(2 * files)
}

#[test]
fn on_no_keys_a_mean_look_up_is_long_whatever_pattern_the_ids_have() {
    const KEYS: u64 = if IS_SLOW { 1 } else { 20_000 };
    const FILES: u32 = if IS_SLOW { 30 } else { 300 };
    let little_endian = |file: u32| (u128::from(file) << 64).to_le_bytes();
    let sparse = |file: u32| (u128::from(file) << 96 | u128::from(file) << 20).to_be_bytes();
    let patterns: [&dyn Fn(u32) -> FileId; 3] = [&file_id, &little_endian, &sparse];
    let contexts = patterns.map(|pattern| contexts_of(FILES, pattern));
    let mut random = Random(u64::from(std::process::id()) | 1 << 40);
    println!("seed {}", random.0);
    for _ in 0..KEYS {
        let keys: [u64; 10] = std::array::from_fn(|_| random.next());
        for hasher in [IdHasher::with_keys(|number| keys[number]), IdHasher::Sip([keys[0], keys[1]])] {
            for (pattern, contexts) in patterns.iter().zip(&contexts) {
                let mean = mean_probes(hasher, FILES, contexts, pattern);
                assert!(mean < 3.0, "{mean} on the keys {keys:x?}");
            }
        }
    }
}

#[test]
fn ids_that_all_collide_are_found_in_a_bounded_number_of_probes() {
    const FILES: u32 = if IS_SLOW { 60 } else { 20_000 };
    let contexts = contexts_of(FILES, file_id);
    let mut table = Table::new();
    for file in 0..FILES {
        // The worst that somebody who knew the keys could reach: one hash for all.
        table.reserve(1).unwrap();
        table.insert(0x1234_5678, file, file_id(file)).unwrap();
    }
    let most = (0..FILES).map(|file| {
        let (found, probes) = table.seek(0x1234_5678, |slot| contexts[slot].file_id == file_id(file));
        let Some(beyond) = &table.beyond else { panic!("so many do not fit near one home") };
        assert_eq!(table.find(0x1234_5678, file_id(file), &contexts), Some(file));
        probes + if found.is_none() { beyond.probes(&file_id(file), &contexts) } else { 0 }
    });
    assert!(most.max().unwrap() <= 2 * (DISTANCE_MAX + 2));
}

#[test]
fn no_operation_moves_more_than_a_segment_and_growing_moves_each_entry_a_few_times_in_all() {
    const FILES: u32 = if IS_SLOW { 400 } else { 300_000 };
    let mut table = Table::new();
    let mut total = 0;
    for file in 0..FILES {
        table.open(&file_id(file), file);
        let moved = table.take_moved();
        assert!(moved <= 2 * SEGMENT_ENTRIES, "{moved} entries at file {file}");
        total += moved;
    }
    assert!(total < 8 * FILES as usize, "{total} entries for {FILES} files");
    let bytes = table.memory_bytes();
    assert!(bytes <= (FILES as usize / SEGMENT_FILES_MAX + 1) * 4096);
    for file in 0..FILES {
        let id = file_id(file);
        table.remove(table.hash(&id), file, id);
        table.shrink();
        let moved = table.take_moved();
        assert!(moved <= 2 * SEGMENT_ENTRIES, "{moved} entries when file {file} went");
    }
    assert_eq!(table.memory_bytes(), 4096);
}
