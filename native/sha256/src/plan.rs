//! The first pass over a batch: reads every record's header once, and finds or makes its file's slot. The pass can be
//! undone.
//!
//! A record's file is looked up some records after its header was read. By then its place in the table and its context
//! are in the cache. Data that only the look-up needs waits in a ring, which keeps the plan for the second pass short.

use std::ops::Range;

use crate::context::{BYTE_COUNT_MAX, FILE_ID_BYTES, FileId};
use crate::failure::{Failure, FailureKind};
use crate::record::{PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, Record};
use crate::slab::Slab;
use crate::table::Table;

/// How many records ahead contexts are prefetched: a cache miss takes about as long as so many chunks of 32 bytes.
pub(crate) const PREFETCH_AHEAD: usize = 10;
/// How many records ahead the place in the table is prefetched.
const PREFETCH_TABLE_AHEAD: usize = 2 * PREFETCH_AHEAD;
/// Records that wait for their look-up, and the record that was just read.
const WAITING_MAX: usize = (PREFETCH_TABLE_AHEAD + 1).next_power_of_two();

/// Records that the plan keeps room for between batches.
const RECORDS_KEPT: usize = 1 << 16;

/// A record whose file has its slot.
pub(crate) struct Planned {
    pub(crate) offset: u32,
    /// 0 ends the file.
    pub(crate) data_bytes: u32,
    pub(crate) slot: u32,
    /// The file was opened for this record.
    created: bool,
}

/// A record whose file is not looked up yet, and the hash of the file's id.
#[derive(Clone, Copy)]
struct Wanted {
    record: Record,
    hash: u32,
}

impl Wanted {
    const NONE: Wanted =
        Wanted { record: Record { file_id: [0; FILE_ID_BYTES], offset: 0, data_bytes: 0, sequence: 0 }, hash: 0 };
}

/// Open files: the table leads to the slots of the slab.
pub(crate) struct Files {
    pub(crate) table: Table,
    pub(crate) slab: Slab,
}

/// The records of one batch. Its memory is kept between batches unless they are too long, so that folding them
/// allocates nothing.
#[derive(Default)]
pub(crate) struct Plan {
    records: Vec<Planned>,
}

/// A batch whose records are whole.
pub(crate) struct Parsed {
    /// The number of files that end.
    pub(crate) finished: usize,
    /// Why the first refused record was refused. Records from that one on are not planned.
    pub(crate) refused: Option<Failure>,
}

impl Plan {
    pub(crate) fn records(&self) -> &[Planned] {
        &self.records
    }

    /// Bytes that the plan holds.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.records.capacity() * size_of::<Planned>()
    }

    pub(crate) fn forget(&mut self) {
        self.records.clear();
        self.records.shrink_to(RECORDS_KEPT);
    }

    /// Reads the `count` records that `payload` consists of, and plans all but the first `skip`. Fails if the payload
    /// does not consist of so many records. `undo` takes the pass back, also after a failure.
    #[inline(always)]
    pub(crate) fn make(
        &mut self,
        payload: &[u8],
        count: usize,
        skip: usize,
        files: &mut Files,
    ) -> Result<Parsed, Failure> {
        if payload.len() > PAYLOAD_BYTES_MAX || count > payload.len() / RECORD_HEADER_BYTES {
            return Err(Failure::at(FailureKind::Malformed, count, payload.len()));
        }
        let skip = skip.min(count);
        // Less memory than the payload, which has a header for each record.
        self.records.try_reserve(count - skip).map_err(|_| Failure::at(FailureKind::Full, 0, 0))?;
        let mut offset = 0;
        for index in 0..skip {
            offset = read(payload, index, offset)?.end();
        }
        let records = skip..count;
        let parsed = if files.table.is_at_hand() {
            look_up::<0>(&mut self.records, payload, records, &mut offset, files)
        } else {
            look_up::<PREFETCH_TABLE_AHEAD>(&mut self.records, payload, records, &mut offset, files)
        }?;
        if offset == payload.len() { Ok(parsed) } else { Err(Failure::at(FailureKind::Malformed, count, offset)) }
    }

    /// Takes back the changes to `files`, newest record first, and forgets the plan. `pages` and `segments` are the
    /// numbers from before the plan.
    pub(crate) fn undo(&mut self, files: &mut Files, pages: usize, segments: usize) {
        let Files { table, slab } = files;
        for planned in self.records.iter().rev() {
            let context = slab.at(planned.slot);
            context.last_sequence -= 1;
            let file_id = context.file_id;
            let hash = table.hash(&file_id);
            if planned.data_bytes == 0 {
                table.put_back(hash, planned.slot);
            }
            if planned.created {
                table.remove(hash, planned.slot, file_id);
                slab.release(planned.slot);
            }
        }
        slab.shrink_to(pages);
        table.shrink_to(segments);
        self.forget();
    }
}

/// Plans the `records`, the first of which is at `offset`; moves `offset` behind the last. Looks a file up `AHEAD`
/// records after the header was read.
#[inline(always)]
fn look_up<const AHEAD: usize>(
    plan: &mut Vec<Planned>,
    payload: &[u8],
    records: Range<usize>,
    offset: &mut usize,
    files: &mut Files,
) -> Result<Parsed, Failure> {
    let byte_count_max = BYTE_COUNT_MAX - payload.len() as u64;
    let mut waiting = [Wanted::NONE; WAITING_MAX];
    let mut parsed = Parsed { finished: 0, refused: None };
    let mut step = 0;
    while step < records.len() + AHEAD {
        let mut wanted = Wanted::NONE;
        if step < records.len() {
            let record = read(payload, records.start + step, *offset)?;
            wanted = Wanted { record, hash: files.table.hash(&record.file_id) };
            parsed.finished += usize::from(record.data_bytes == 0);
            *offset = record.end();
        }
        if AHEAD > 0 {
            files.table.prefetch(wanted.hash);
            waiting[step % WAITING_MAX] = wanted;
            wanted = waiting[step.wrapping_sub(AHEAD) % WAITING_MAX];
            // Where no record waits yet it prefetches any context.
            let soon = &waiting[step.wrapping_sub(AHEAD - PREFETCH_AHEAD) % WAITING_MAX];
            files.table.prefetch_context(soon.hash, files.slab.contexts());
        }
        if step >= AHEAD {
            match files.find(wanted, byte_count_max) {
                Ok(planned) => plan.push(planned),
                Err(failure) => {
                    let record_index = records.start + step - AHEAD;
                    parsed.refused = Some(Failure { record_index, ..failure });
                    break;
                }
            }
        }
        step += 1;
    }
    // The records after a refusal: a payload that is not whole is the more serious failure.
    for index in records.skip(step + 1) {
        let record = read(payload, index, *offset)?;
        parsed.finished += usize::from(record.data_bytes == 0);
        *offset = record.end();
    }
    Ok(parsed)
}

#[inline(always)]
fn read(payload: &[u8], index: usize, offset: usize) -> Result<Record, Failure> {
    Record::read(payload, offset).ok_or_else(|| Failure::at(FailureKind::Malformed, index, offset))
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { table: Table::new(), slab: Slab::default() }
    }

    /// Finds or makes the slot of a record's file, if the record is the next one of its file. The length check is
    /// conservative by up to one payload, for which `byte_count_max` leaves room. So several chunks of one file in a
    /// batch need not be added up.
    #[inline(always)]
    fn find(&mut self, wanted: Wanted, byte_count_max: u64) -> Result<Planned, Failure> {
        let Wanted { record, hash } = wanted;
        let found = self.table.find(hash, record.file_id, self.slab.contexts());
        let slot = match found {
            Some(slot) => slot,
            None if record.sequence == 1 => {
                self.open(record.file_id, hash).ok_or_else(|| refuse(FailureKind::Full, record))?
            }
            None => return Err(refuse_sequence(1, record)),
        };
        let context = self.slab.at(slot);
        // Nothing follows the sequence 2^32 - 1: the expected sequence is then 0, which no record has.
        let expected = context.last_sequence.wrapping_add(1);
        if record.sequence != expected || expected == 0 {
            return Err(refuse_sequence(expected, record));
        }
        if context.byte_count > byte_count_max {
            return Err(refuse(FailureKind::Malformed, record));
        }
        context.last_sequence = expected;
        if record.data_bytes == 0 {
            self.table.remove(hash, slot, record.file_id);
        }
        let Record { offset, data_bytes, .. } = record;
        Ok(Planned { offset, data_bytes, slot, created: found.is_none() })
    }

    /// Opens a file that is in no table yet, with the last sequence 0. None without room or memory.
    #[cold]
    fn open(&mut self, file_id: FileId, hash: u32) -> Option<u32> {
        self.table.reserve(1).ok()?;
        let slot = self.slab.acquire()?;
        if self.table.insert(hash, slot, file_id).is_err() {
            self.slab.release(slot);
            return None;
        }
        self.slab.at(slot).open(&file_id);
        Some(slot)
    }
}

#[cold]
fn refuse(kind: FailureKind, record: Record) -> Failure {
    Failure::at(kind, 0, record.offset as usize).of_file(&record.file_id)
}

#[cold]
fn refuse_sequence(expected: u32, record: Record) -> Failure {
    Failure { expected_sequence: expected, actual_sequence: record.sequence, ..refuse(FailureKind::Sequence, record) }
}
