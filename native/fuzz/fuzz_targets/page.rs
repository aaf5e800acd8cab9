//! Arbitrary bytes as pages: what is accepted is taken again as it was loaded, what is refused changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stream_sum_sha256::{Backend, PAGE_BYTES, Pool};

fuzz_target!(|input: (u8, Vec<(u8, [u8; 128])>)| {
    let (page, slots) = input;
    let mut bytes = vec![0; PAGE_BYTES];
    for (at, slot) in slots {
        let at = usize::from(at) % (PAGE_BYTES / 128);
        bytes[at * 128..(at + 1) * 128].copy_from_slice(&slot);
    }
    let mut pool = Pool::new(Backend::selected().expect("a backend"));
    match pool.load_page(usize::from(page), &bytes) {
        Ok(()) => {
            assert_eq!(pool.page_count(), usize::from(page) + 1);
            let open = (0..31).filter(|at| bytes[at * 128..(at + 1) * 128].iter().any(|byte| *byte != 0)).count();
            assert_eq!(pool.open_files(), open);
            // Dropping every producer there is leaves nothing.
            for at in 0..31 {
                let producer: [u8; 8] = bytes[at * 128..at * 128 + 8].try_into().expect("8 bytes");
                pool.drop_producer(&producer);
            }
            assert_eq!(pool.open_files(), 0);
        }
        Err(_) => assert_eq!((pool.open_files(), pool.page_count()), (0, 0)),
    }
});
