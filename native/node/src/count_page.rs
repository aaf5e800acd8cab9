//! Counts in a page of a file that this process shares with whoever watches it. The page belongs to the system's page
//! cache: a count is one atomic write, and what was written is there after this process was stopped or killed.

use std::fs::OpenOptions;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use napi_derive::napi;

use crate::arguments::{ErrorCode, Result, error, integer};

/// How many counts a page has, 4 bytes each in the byte order of the machine.
const COUNTS: usize = 64;
const COUNT_BYTES: usize = size_of::<AtomicU32>();

/// A mapped page.
#[napi]
pub struct CountPage {
    map: MmapRaw,
}

#[napi]
impl CountPage {
    /// Maps 256 bytes of the file at `path`, from `offset` on, a multiple of 4096. The file must have them: nobody may
    /// cut it shorter while it is mapped.
    #[napi]
    pub fn open(path: String, offset: f64) -> Result<CountPage> {
        let failed = |cause| error(ErrorCode::CountPage, format_args!("cannot map {path}: {cause}"));
        let offset = integer("offset", offset)?;
        let bytes = COUNTS * COUNT_BYTES;
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        if offset % 4096 != 0 || length < (offset + bytes) as u64 {
            let reason = format_args!("cannot map {path}: it has {length} bytes, and no page at {offset}");
            return Err(error(ErrorCode::CountPage, reason));
        }
        let map = MmapOptions::new().offset(offset as u64).len(bytes).map_raw(&file).map_err(failed)?;
        Ok(CountPage { map })
    }

    /// Stores a count. A `value` beyond 2^32 - 1 is taken modulo 2^32.
    #[napi]
    pub fn set(&self, index: u32, value: u32) -> Result<()> {
        self.count(index)?.store(value, Ordering::Release);
        Ok(())
    }

    /// Adds one to a count, which begins again at 0 after 2^32 - 1.
    #[napi]
    pub fn add(&self, index: u32) -> Result<()> {
        self.count(index)?.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn count(&self, index: u32) -> Result<&AtomicU32> {
        let index = index as usize;
        if index >= COUNTS {
            let reason = format_args!("index must be below {COUNTS}, not {index}");
            return Err(error(ErrorCode::OutOfRange, reason));
        }
        // SAFETY: the map has COUNTS counts, was made at a multiple of 4096 and lives as long as `self`, so the pointer
        // is valid, aligned and of this lifetime. All accesses of this process are atomic; others only read. A page
        // that a file no longer has would raise SIGBUS and is no memory error; `open` has checked the length.
        #[allow(unsafe_code, reason = "shared memory")]
        let count = unsafe { AtomicU32::from_ptr(self.map.as_mut_ptr().cast::<u32>().add(index)) };
        Ok(count)
    }
}
