//! SHA-256's compression in plain Rust (FIPS 180-4, 6.2.2). It runs everywhere, and is the oracle of the other
//! backends.

use super::round_constants::K;

/// Folds `blocks`, in order, into `h`.
pub(crate) fn compress(h: &mut [u32; 8], blocks: &[[u8; 64]]) {
    for block in blocks {
        compress_one(h, block);
    }
}

/// One round with word t of the schedule, to which K is already added. With the rounds written out in a row no word is
/// moved: the compiler renames the words.
#[inline(always)]
pub(super) fn round(state: &mut [u32; 8], wk: u32) {
    let [a, b, c, d, e, f, g, h] = *state;
    let big1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
    let choose = g ^ (e & (f ^ g));
    let t1 = h.wrapping_add(wk).wrapping_add(choose).wrapping_add(big1);
    let big0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
    let majority = b ^ ((a ^ b) & (b ^ c));
    *state = [t1.wrapping_add(majority).wrapping_add(big0), a, b, c, d.wrapping_add(t1), e, f, g];
}

/// Word t of the schedule in place of word t - 16.
#[inline(always)]
fn next_word(w: &mut [u32; 16], t: usize) {
    let (w15, w2) = (w[(t + 1) % 16], w[(t + 14) % 16]);
    let small0 = w15.rotate_right(7) ^ w15.rotate_right(18) ^ (w15 >> 3);
    let small1 = w2.rotate_right(17) ^ w2.rotate_right(19) ^ (w2 >> 10);
    w[t % 16] = w[t % 16].wrapping_add(small0).wrapping_add(w[(t + 9) % 16]).wrapping_add(small1);
}

fn compress_one(h: &mut [u32; 8], block: &[u8; 64]) {
    let mut w = [0u32; 16];
    for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let mut state = *h;
    let (first, later) = K.0.split_at(16);
    macro_rules! sixteen {
        ($k:expr, $is_scheduled:literal, $($t:literal)*) => {$(
            if $is_scheduled {
                next_word(&mut w, $t);
            }
            round(&mut state, w[$t].wrapping_add($k[$t]));
        )*};
    }
    sixteen!(first, false, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    for k in later.as_chunks::<16>().0 {
        sixteen!(k, true, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    }
    for (word, value) in h.iter_mut().zip(state) {
        *word = word.wrapping_add(value);
    }
}
