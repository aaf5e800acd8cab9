//! Arbitrary calls on a slot pool, with arbitrary slots and ends: each changes what it should or nothing, and an open
//! stream has the digest of a single stream.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use stream_sum_sha256::{Backend, Sha256, SlotPool};

/// The call, its slots or chunk lengths, and the byte that fills data.
type Call = (u8, Vec<(u8, u16)>, u8);

fuzz_target!(|calls: Vec<Call>| {
    let backend = Backend::selected().expect("a backend");
    let mut pool = SlotPool::new(backend);
    let mut open = BTreeMap::<u32, Sha256>::new();
    for (kind, arguments, fill) in calls {
        let slots = arguments.iter().map(|(slot, _)| u32::from(*slot) % 40).collect::<Vec<_>>();
        let is_open = slots.iter().all(|slot| open.contains_key(slot));
        match kind % 4 {
            0 => {
                let slot = pool.open().expect("room");
                assert!(slot <= open.len() as u32, "the lowest free slot goes first");
                assert!(open.insert(slot, Sha256::new(backend)).is_none());
            }
            1 => {
                let lengths = arguments.iter().map(|(_, length)| usize::from(*length) % 300).collect::<Vec<_>>();
                let data = vec![fill; lengths.iter().sum()];
                let mut end = 0;
                let ends = lengths.iter().map(|length| {
                    end += *length as u32;
                    end
                });
                let folded = pool.fold(&slots, &ends.collect::<Vec<_>>(), &data);
                assert_eq!(folded.is_ok(), is_open);
                if is_open {
                    for (slot, length) in slots.iter().zip(lengths) {
                        let stream = open.get_mut(slot).expect("an open stream");
                        stream.update(&vec![fill; length]).expect("a short message");
                    }
                }
            }
            2 => {
                let mut digests = vec![0; slots.len() * 32];
                let is_twice = (1..slots.len()).any(|at| slots[..at].contains(&slots[at]));
                assert_eq!(pool.finish(&slots, &mut digests).is_ok(), is_open && !is_twice);
                if is_open && !is_twice {
                    for (slot, digest) in slots.iter().zip(digests.chunks(32)) {
                        assert_eq!(open.remove(slot).expect("an open stream").digest(), *digest);
                    }
                }
            }
            _ => {
                let raw_ends = arguments.iter().map(|(_, end)| u32::from(*end)).collect::<Vec<_>>();
                let _ = pool.fold(&slots[..slots.len() / 2], &raw_ends, &[fill]);
                let mut states = vec![0; slots.len() * 108];
                if pool.save(&slots, &mut states).is_ok() {
                    for (slot, state) in slots.iter().zip(states.chunks(108)) {
                        assert_eq!(open[slot].serialize(), *state);
                    }
                }
            }
        }
        assert_eq!(pool.open_streams(), open.len());
    }
});
