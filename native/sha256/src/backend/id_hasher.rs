//! The keyed hash of file ids. Ids come from outside, and whoever chooses them must not find ids that collide, although
//! fold times show how full the places of the ids are. So every bit of an id passes through the whole function before a
//! bit of the hash comes out: four AES rounds, for which no difference of two ids makes a difference of hashes likely,
//! or SipHash-1-3 where the CPU has no AES instructions.

#![allow(unsafe_code, reason = "instruction set")]

use std::hash::{BuildHasher, RandomState};

#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;

/// One key for the first mixing, and one for each round.
#[cfg(target_arch = "x86_64")]
const AES_KEYS: usize = 5;

/// A keyed hash of 16 bytes.
#[derive(Clone, Copy)]
pub(crate) enum IdHasher {
    #[cfg(target_arch = "x86_64")]
    Aes(Aes, [[u64; 2]; AES_KEYS]),
    Sip([u64; 2]),
}

/// Proof that the CPU has the instructions of the function.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Aes(());

impl IdHasher {
    /// Keys from the operating system's randomness.
    pub(crate) fn new() -> Self {
        let random = RandomState::new();
        Self::with_keys(|number| random.hash_one(number))
    }

    /// Keys that `key` gives by their numbers.
    pub(crate) fn with_keys(key: impl Fn(usize) -> u64) -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("aes") {
            return Self::Aes(Aes(()), std::array::from_fn(|round| [key(2 * round), key(2 * round + 1)]));
        }
        Self::Sip([key(0), key(1)])
    }

    #[inline(always)]
    pub(crate) fn hash(&self, file_id: &[u8; 16]) -> u32 {
        // By value: a caller that has just put an id together from words would wait for them to be read back as 16
        // bytes.
        let id = u128::from_le_bytes(*file_id);
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the token exists, so `with_keys` has seen the feature.
            Self::Aes(Aes(()), keys) => unsafe { aes(keys, id) },
            Self::Sip(keys) => sip(*keys, id),
        }
    }
}

/// # Safety
///
/// The CPU has AES.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "aes")]
#[inline]
unsafe fn aes(keys: &[[u64; 2]; AES_KEYS], id: u128) -> u32 {
    let state = _mm_set_epi64x((id >> 64) as i64, id as i64);
    // SAFETY: each read has the 16 bytes of an array; `loadu` needs no alignment.
    let [before, rounds @ ..] = unsafe { keys.each_ref().map(|key| _mm_loadu_si128(key.as_ptr().cast())) };
    let mixed = rounds.into_iter().fold(_mm_xor_si128(state, before), |state, key| _mm_aesenc_si128(state, key));
    _mm_cvtsi128_si32(mixed) as u32
}

/// SipHash-1-3 of two words. There are always two words, so their length is not hashed.
#[inline(never)]
fn sip([key0, key1]: [u64; 2], id: u128) -> u32 {
    let mut v = [
        key0 ^ 0x736f_6d65_7073_6575,
        key1 ^ 0x646f_7261_6e64_6f6d,
        key0 ^ 0x6c79_6765_6e65_7261,
        key1 ^ 0x7465_6462_7974_6573,
    ];
    for word in [id as u64, (id >> 64) as u64] {
        v[3] ^= word;
        sip_round(&mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    (0..3).for_each(|_| sip_round(&mut v));
    (v[0] ^ v[1] ^ v[2] ^ v[3]) as u32
}

fn sip_round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}
