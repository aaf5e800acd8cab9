//! Arbitrary bytes as a serialized state: an accepted state is written again unchanged, and can be hashed on.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stream_sum_sha256::{Backend, Sha256};

fuzz_target!(|bytes: &[u8]| {
    let backend = Backend::selected().expect("a backend");
    if let Ok(mut hasher) = Sha256::deserialize(backend, bytes) {
        assert_eq!(hasher.serialize()[..], *bytes);
        let _ = hasher.update(&[1; 200]);
        let resumed = Sha256::deserialize(backend, &hasher.serialize()).expect("a state that was written");
        assert_eq!(resumed.digest(), hasher.digest());
    }
});
