//! Records of a batch's payload, and sum records. Little-endian.
//!
//! A record, without padding to the next one:
//!
//! | offset | bytes | type | field |
//! |---|---|---|---|
//! | 0 | 4 | u32 | data length; 0 ends the file |
//! | 4 | 4 | u32 | chunk sequence, from 1; the end counts |
//! | 8 | 16 | bytes | file id |
//! | 24 | data length | bytes | data |
//!
//! A sum record:
//!
//! | offset | bytes | type | field |
//! |---|---|---|---|
//! | 0 | 16 | bytes | file id |
//! | 16 | 4 | u32 | last sequence |
//! | 20 | 4 | u32 | reserved, 0 |
//! | 24 | 8 | u64 | data bytes of the file |
//! | 32 | 32 | bytes | SHA-256 |

use crate::context::{Context, FileId};

/// Bytes before a record's data.
pub const RECORD_HEADER_BYTES: usize = 24;
/// Bytes of a sum record.
pub const SUM_BYTES: usize = 64;
/// The longest payload: offsets into it are u32.
pub const PAYLOAD_BYTES_MAX: usize = u32::MAX as usize;

/// A record's header, read at `offset` of a payload that holds the whole record.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    pub(crate) file_id: FileId,
    pub(crate) offset: u32,
    /// 0 ends the file.
    pub(crate) data_bytes: u32,
    pub(crate) sequence: u32,
}

impl Record {
    /// None if the header or the data reaches past the payload's end, which is at most `PAYLOAD_BYTES_MAX`.
    #[inline(always)]
    pub(crate) fn read(payload: &[u8], offset: usize) -> Option<Record> {
        let header: &[u8; RECORD_HEADER_BYTES] = payload.get(offset..)?.first_chunk()?;
        let data_bytes = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        let sequence = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        if payload.len() - offset - RECORD_HEADER_BYTES < data_bytes as usize {
            return None;
        }
        let file_id: &FileId = header.last_chunk()?;
        Some(Record { file_id: *file_id, offset: offset as u32, data_bytes, sequence })
    }

    pub(crate) fn end(&self) -> usize {
        self.offset as usize + RECORD_HEADER_BYTES + self.data_bytes as usize
    }
}

/// Writes the sum of a file whose context is complete.
pub(crate) fn write_sum(context: &Context, digest: &[u8; 32], sum: &mut [u8; SUM_BYTES]) {
    sum[..16].copy_from_slice(&context.file_id);
    sum[16..20].copy_from_slice(&context.last_sequence.to_le_bytes());
    sum[20..24].fill(0);
    sum[24..32].copy_from_slice(&context.byte_count.to_le_bytes());
    sum[32..].copy_from_slice(digest);
}
