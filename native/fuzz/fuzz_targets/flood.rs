//! Many files, whose ids differ as the input says, are opened and ended in batches, some of which are refused. The pool
//! finds each file, keeps one page of memory for a page of files, and has given all of it back when the last file has
//! ended.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use stream_sum_sha256::{Backend, FailureKind, Pool, SUM_BYTES};

/// A step for files from a number on: whether they open or end, how many, and the factor and shift that make ids from
/// numbers.
type Step = (u8, u8, u16, u64, u8);

fn record(payload: &mut Vec<u8>, id: u128, is_end: bool, sequence: u32) {
    payload.extend_from_slice(&u32::from(!is_end).to_le_bytes());
    payload.extend_from_slice(&sequence.to_le_bytes());
    payload.extend_from_slice(&id.to_le_bytes());
    payload.extend(std::iter::repeat_n(1, usize::from(!is_end)));
}

fuzz_target!(|steps: Vec<Step>| {
    let mut pool = Pool::new(Backend::selected().expect("a backend"));
    let empty = pool.memory_bytes();
    let mut open = BTreeSet::new();
    for (kind, first, count, factor, shift) in steps.into_iter().take(20) {
        let ids = (0..u128::from(count % 3_000))
            .map(|file| ((u128::from(first) + file).wrapping_mul(u128::from(factor | 1))).rotate_left(u32::from(shift)))
            .collect::<BTreeSet<_>>();
        let is_end = kind % 3 == 1;
        let ids = ids.into_iter().filter(|id| open.contains(id) == is_end).collect::<Vec<_>>();
        let mut payload = Vec::new();
        ids.iter().for_each(|id| record(&mut payload, *id, is_end, 1 + u32::from(is_end)));
        let mut sums = vec![0; ids.len() * SUM_BYTES];
        if kind % 3 == 2 {
            let before = (pool.open_files(), pool.page_count());
            record(&mut payload, u128::MAX, false, 9);
            let refused = pool.fold(&payload, ids.len() + 1, 0, &mut sums).expect_err("a sequence from nowhere");
            assert_eq!(refused.kind, FailureKind::Sequence);
            assert_eq!((pool.open_files(), pool.page_count()), before);
            continue;
        }
        assert_eq!(pool.fold(&payload, ids.len(), 0, &mut sums), Ok(if is_end { ids.len() } else { 0 }));
        for id in ids {
            assert!(if is_end { open.remove(&id) } else { open.insert(id) });
        }
        assert_eq!(pool.open_files(), open.len());
    }
    for id in &open {
        assert_eq!(pool.lookup(&id.to_le_bytes()).map(|(sequence, _)| sequence), Some(1));
    }
    let mut payload = Vec::new();
    open.iter().for_each(|id| record(&mut payload, *id, true, 2));
    let mut sums = vec![0; open.len() * SUM_BYTES];
    assert_eq!(pool.fold(&payload, open.len(), 0, &mut sums), Ok(open.len()));
    // A chunk that is kept for the next file, and lists.
    assert!(pool.memory_bytes() < empty + (4 << 20));
    pool.clear();
    assert_eq!(pool.memory_bytes(), empty);
});
