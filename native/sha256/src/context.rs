//! One file's hash context: 128 bytes in two cache lines, so that a slab of them is addressed by slot and prefetched.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 32 | chaining value H |
//! | 32 | 8 | bytes fed |
//! | 40 | 16 | file id |
//! | 56 | 4 | last sequence; 0 marks a free slot |
//! | 60 | 4 | jobs that wait for the stream in a window; 0 between batches |
//! | 64 | 64 | partial block; bytes past `byte_count % 64` are stale |

use crate::backend::Backend;

/// Bytes of one block (FIPS 180-4, 5.2.1).
pub const BLOCK_BYTES: usize = 64;
/// Bytes of a digest.
pub const DIGEST_BYTES: usize = 32;
/// Bytes of a file id: an 8-byte producer id, then a big-endian u64 file number.
pub const FILE_ID_BYTES: usize = 16;
/// The longest message: its length in bits must fit 64 bits (FIPS 180-4, 5.1.1).
pub const BYTE_COUNT_MAX: u64 = (1 << 61) - 1;
/// A file's id.
pub type FileId = [u8; FILE_ID_BYTES];

/// The initial chaining value (FIPS 180-4, 5.3.3).
pub(crate) const INITIAL_H: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Context {
    pub(crate) h: [u32; 8],
    pub(crate) byte_count: u64,
    pub(crate) file_id: FileId,
    pub(crate) last_sequence: u32,
    pub(crate) queued: u32,
    pub(crate) block: [u8; BLOCK_BYTES],
}

const _: () = assert!(size_of::<Context>() == 128 && align_of::<Context>() == 64);

impl Context {
    /// A free slot.
    pub(crate) const FREE: Context = Context {
        h: [0; 8],
        byte_count: 0,
        file_id: [0; FILE_ID_BYTES],
        last_sequence: 0,
        queued: 0,
        block: [0; BLOCK_BYTES],
    };

    pub(crate) fn is_free(&self) -> bool {
        self.last_sequence == 0
    }

    /// Makes this the context of a file of which nothing is folded yet.
    pub(crate) fn open(&mut self, file_id: &FileId) {
        self.h = INITIAL_H;
        self.byte_count = 0;
        self.file_id = *file_id;
    }

    /// Bytes that wait in the partial block.
    pub(crate) fn buffered(&self) -> usize {
        (self.byte_count % BLOCK_BYTES as u64) as usize
    }

    /// Folds `data`. The caller keeps `byte_count` within `BYTE_COUNT_MAX`.
    pub(crate) fn absorb(&mut self, backend: Backend, data: &[u8]) {
        let buffered = self.buffered();
        self.byte_count += data.len() as u64;
        let mut rest = data;
        if buffered > 0 {
            let wanted = BLOCK_BYTES - buffered;
            if rest.len() < wanted {
                self.block[buffered..buffered + rest.len()].copy_from_slice(rest);
                return;
            }
            let (head, tail) = rest.split_at(wanted);
            self.block[buffered..].copy_from_slice(head);
            backend.compress(&mut self.h, std::slice::from_ref(&self.block));
            rest = tail;
        }
        let (blocks, partial) = rest.as_chunks::<BLOCK_BYTES>();
        if !blocks.is_empty() {
            backend.compress(&mut self.h, blocks);
        }
        self.block[..partial.len()].copy_from_slice(partial);
    }

    /// The digest of everything folded so far. The context does not change.
    pub(crate) fn digest(&self, backend: Backend) -> [u8; DIGEST_BYTES] {
        let mut h = self.h;
        let (blocks, count) = self.padding();
        backend.compress(&mut h, &blocks[..count]);
        digest_bytes(&h)
    }

    /// The last one or two blocks: the partial one, the bit 1, zeros, the length in bits (FIPS 180-4, 5.1.1).
    pub(crate) fn padding(&self) -> ([[u8; BLOCK_BYTES]; 2], usize) {
        let buffered = self.buffered();
        let mut blocks = [[0u8; BLOCK_BYTES]; 2];
        blocks[0][..buffered].copy_from_slice(&self.block[..buffered]);
        blocks[0][buffered] = 0x80;
        let count = if buffered < BLOCK_BYTES - 8 { 1 } else { 2 };
        blocks[count - 1][BLOCK_BYTES - 8..].copy_from_slice(&(self.byte_count * 8).to_be_bytes());
        (blocks, count)
    }
}

/// H as the digest's bytes: big-endian words.
pub(crate) fn digest_bytes(h: &[u32; 8]) -> [u8; DIGEST_BYTES] {
    let mut digest = [0u8; DIGEST_BYTES];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(h) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}
