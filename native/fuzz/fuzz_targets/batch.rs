//! Arbitrary bytes as a batch, on a pool with two open files: the batch is folded, or refused with nothing changed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stream_sum_sha256::{Backend, PAGE_BYTES, Pool, RECORD_HEADER_BYTES, SUM_BYTES};

fn record(file: u8, sequence: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = (data.len() as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&sequence.to_le_bytes());
    bytes.extend_from_slice(&[file; 16]);
    bytes.extend_from_slice(data);
    bytes
}

/// A pool with two files, and its pages.
fn pool() -> (Pool, Vec<u8>) {
    let mut pool = Pool::new(Backend::selected().expect("a backend"));
    let records = [record(0, 1, b"first"), record(1, 1, &[7; 100])].concat();
    assert_eq!(pool.fold(&records, 2, 0, &mut []), Ok(0));
    let mut pages = vec![0; PAGE_BYTES];
    assert_eq!(pool.take_dirty_pages(&mut [0], &mut pages), Some(1));
    (pool, pages)
}

fuzz_target!(|input: (u8, u8, u8, &[u8])| {
    let (count, skip, sums, payload) = input;
    let (count, skip) = (usize::from(count), usize::from(skip.min(count)));
    let (mut pool, before) = pool();
    let mut sums = vec![0xee; usize::from(sums) * SUM_BYTES];
    match pool.fold(payload, count, skip, &mut sums) {
        Ok(finished) => assert!(finished <= count - skip),
        Err(failure) => {
            assert!(failure.record_index <= count && failure.byte_offset <= payload.len());
            assert!(sums.iter().all(|byte| *byte == 0xee));
            assert_eq!((pool.open_files(), pool.page_count(), pool.dirty_pages()), (2, 1, 0));
            // The files have the same states: one more byte for each gives the same page as on a fresh pool.
            let next = [record(0, 2, b"x"), record(1, 2, b"y")].concat();
            let mut pages = [vec![0; PAGE_BYTES], vec![0; PAGE_BYTES]];
            let mut fresh = Pool::new(Backend::selected().expect("a backend"));
            fresh.load_page(0, &before).expect("a page that was taken");
            for (pool, page) in [&mut pool, &mut fresh].into_iter().zip(&mut pages) {
                assert_eq!(pool.fold(&next, 2, 0, &mut []), Ok(0));
                assert_eq!(pool.take_dirty_pages(&mut [0], page), Some(1));
            }
            assert_eq!(pages[0], pages[1]);
        }
    }
    assert!(pool.open_files() <= 2 + payload.len() / RECORD_HEADER_BYTES);
});
