//! The compression function of SHA-256 (FIPS 180-4, 6.2.2) behind one switch. Callers hand whole blocks only.

use sha2::block_api::compress256;

/// Folds `blocks`, in order, into the chaining value `h`.
pub(crate) fn compress(h: &mut [u32; 8], blocks: &[[u8; 64]]) {
    compress256(h, blocks);
}
