//! Pages of slots that are mostly valid, with some bytes altered. An accepted page is taken again as it was loaded. A
//! refused page changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stream_sum_sha256::{Backend, PAGE_BYTES, PAGE_SLOTS, Pool, SLOT_BYTES, Sha256};

/// The place, the file, its last sequence, how much was hashed, a byte to alter, and the change.
type Slot = (u8, u8, u32, u16, u8, u8);

fn slot_bytes(backend: Backend, (_, file, sequence, bytes, altered, by): Slot) -> [u8; SLOT_BYTES] {
    let mut hasher = Sha256::new(backend);
    let _ = hasher.update(&vec![file; usize::from(bytes)]);
    let mut slot = [file; SLOT_BYTES];
    slot[16..20].copy_from_slice(&sequence.to_le_bytes());
    slot[20..].copy_from_slice(&hasher.serialize());
    slot[usize::from(altered) % SLOT_BYTES] ^= by;
    slot
}

fuzz_target!(|input: (u8, Vec<Slot>)| {
    let (page, slots) = input;
    let backend = Backend::selected().expect("a backend");
    let mut bytes = vec![0; PAGE_BYTES];
    for slot in slots {
        let at = usize::from(slot.0) % PAGE_SLOTS * SLOT_BYTES;
        bytes[at..at + SLOT_BYTES].copy_from_slice(&slot_bytes(backend, slot));
    }
    let mut pool = Pool::new(backend);
    match pool.load_page(usize::from(page), &bytes) {
        Ok(()) => {
            assert_eq!(pool.page_count(), usize::from(page) + 1);
            let slots = bytes.chunks(SLOT_BYTES);
            assert_eq!(pool.open_files(), slots.clone().filter(|slot| slot.iter().any(|byte| *byte != 0)).count());
            for slot in slots.filter(|slot| slot.iter().any(|byte| *byte != 0)) {
                let (last, bytes) = (u32::from_le_bytes([slot[16], slot[17], slot[18], slot[19]]), &slot[120..128]);
                let bytes = u64::from_be_bytes(bytes.try_into().expect("8 bytes"));
                assert!(u64::from(last) <= bytes && bytes <= u64::from(last) * ((1 << 32) - 25));
                let (sequence, state) = pool.lookup(slot[..16].try_into().expect("16 bytes")).expect("an open file");
                assert_eq!(
                    (sequence.to_le_bytes(), &state[..]),
                    (slot[16..20].try_into().expect("4 bytes"), &slot[20..])
                );
            }
        }
        Err(_) => assert_eq!((pool.open_files(), pool.page_count()), (0, 0)),
    }
    assert!(pool.memory_bytes() < 1 << 20, "a page takes what its files take");
});
