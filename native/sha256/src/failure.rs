//! Why a batch was not folded. Nothing was changed by it.

use crate::context::{FILE_ID_BYTES, FileId};

/// What is wrong with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The lengths do not add up to the payload, or the records to the count.
    Malformed,
    /// A chunk's sequence is not the one that follows its file's last.
    Sequence,
    /// The caller's buffer is too small for the sums of the files that end here.
    Space,
    /// The pool has no room, or there is no memory: for another open file, for what is noted of the batch's records, or
    /// for its sums.
    Full,
}

/// Where and why a batch was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong.
    pub kind: FailureKind,
    /// The record, counted from 0 in the batch, skipped ones included; the batch's count if it is about all of it.
    pub record_index: usize,
    /// Where that record starts in the payload.
    pub byte_offset: usize,
    /// Its file; zeros if there is none.
    pub file_id: FileId,
    /// `Sequence`: what should have come, else 0.
    pub expected_sequence: u32,
    /// `Sequence`: what came, else 0.
    pub actual_sequence: u32,
    /// `Space`, or `Full` for want of it: bytes that the sums take, else 0.
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
