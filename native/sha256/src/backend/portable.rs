//! SHA-256's compression in plain Rust (FIPS 180-4, 6.2.2): runs everywhere, and is the oracle of the other backends.

use super::round_constants::K;

/// Folds `blocks`, in order, into `h`.
pub(crate) fn compress(h: &mut [u32; 8], blocks: &[[u8; 64]]) {
    for block in blocks {
        compress_one(h, block);
    }
}

fn compress_one(state: &mut [u32; 8], block: &[u8; 64]) {
    let mut w = [0u32; 16];
    for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for round in 0..64 {
        // The schedule is a ring of 16: word t replaces word t - 16.
        let word = if round < 16 {
            w[round]
        } else {
            let (w15, w2) = (w[(round + 1) % 16], w[(round + 14) % 16]);
            let small0 = w15.rotate_right(7) ^ w15.rotate_right(18) ^ (w15 >> 3);
            let small1 = w2.rotate_right(17) ^ w2.rotate_right(19) ^ (w2 >> 10);
            let next = w[round % 16].wrapping_add(small0).wrapping_add(w[(round + 9) % 16]).wrapping_add(small1);
            w[round % 16] = next;
            next
        };
        let big1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choose = g ^ (e & (f ^ g));
        let t1 = h.wrapping_add(big1).wrapping_add(choose).wrapping_add(K.0[round]).wrapping_add(word);
        let big0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) | (c & (a | b));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(big0.wrapping_add(majority)));
    }
    for (word, value) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(value);
    }
}
