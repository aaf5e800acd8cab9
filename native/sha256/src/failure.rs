//! Why a batch was not folded. A refused batch changes nothing.

use crate::context::{FILE_ID_BYTES, FileId};

/// What is wrong with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The lengths do not add up to the payload, or the records to the count.
    Malformed,
    /// A chunk's sequence does not follow the last one of its file.
    Sequence,
    /// The caller's buffer is too small for the sums of the files that end here.
    Space,
    /// The pool has no room, or there is no memory, for another open file, for the notes about the batch's records, or
    /// for its sums.
    Full,
}

/// Where and why a batch was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong.
    pub kind: FailureKind,
    /// The record, counted from 0 in the batch, including skipped records; the batch's count if the failure concerns
    /// the whole batch.
    pub record_index: usize,
    /// Where that record starts in the payload.
    pub byte_offset: usize,
    /// Its file; zeros if there is none.
    pub file_id: FileId,
    /// `Sequence`: the sequence that should have come, else 0.
    pub expected_sequence: u32,
    /// `Sequence`: the sequence that came, else 0.
    pub actual_sequence: u32,
    /// `Space`, or `Full` without memory for the sums: the bytes that the sums take, else 0.
    pub needed: usize,
}

impl Failure {
    pub(crate) fn at(kind: FailureKind, record_index: usize, byte_offset: usize) -> Self {
        Self {
            kind,
            record_index,
            byte_offset,
            file_id: [0; FILE_ID_BYTES],
            expected_sequence: 0,
            actual_sequence: 0,
            needed: 0,
        }
    }

    pub(crate) fn of_file(mut self, file_id: &FileId) -> Self {
        self.file_id = *file_id;
        self
    }
}
