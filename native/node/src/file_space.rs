//! What a file needs before LMDB gets it: its blocks, and no record lock of another process. LMDB and lmdb-js crash in
//! the cases that these calls find, so these calls come first. Each call opens the file and closes it.
//!
//! The result is 0, or the error number of the system, which the caller turns into a name.

use std::fs::{File, OpenOptions};

use napi_derive::napi;

/// Reserves the blocks of the first `bytes` bytes of the file at `path`, holes included, and leaves its size and
/// content as they are. Reserved blocks stay reserved until the file is truncated. Where the system has no such call,
/// the result is EOPNOTSUPP, as on a file system that cannot reserve.
#[napi]
pub fn allocate_file(path: String, bytes: f64) -> i32 {
    errno_of(OpenOptions::new().write(true).open(path).and_then(|file| allocate(&file, bytes as u64)))
}

/// Whether this process could lock every record of the file at `path`: 0, or EAGAIN when another process holds a lock.
/// Nothing stays locked. Closing the file releases all record locks that this process holds on it, so this must be
/// called before LMDB opens the file.
#[napi]
pub fn probe_record_locks(path: String) -> i32 {
    errno_of(OpenOptions::new().read(true).write(true).open(path).and_then(|file| probe(&file)))
}

fn errno_of(result: std::io::Result<()>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(error) => error.raw_os_error().unwrap_or(UNKNOWN),
    }
}

#[cfg(target_os = "linux")]
mod system {
    use super::File;
    use rustix::fs::{FallocateFlags, FlockOperation, fallocate, fcntl_lock};
    use rustix::io::{Errno, retry_on_intr};

    /// EIO, for an error without a number.
    pub const UNKNOWN: i32 = Errno::IO.raw_os_error();

    pub fn allocate(file: &File, bytes: u64) -> std::io::Result<()> {
        // The system refuses an empty range.
        if bytes == 0 {
            return Ok(());
        }
        Ok(retry_on_intr(|| fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes))?)
    }

    pub fn probe(file: &File) -> std::io::Result<()> {
        Ok(fcntl_lock(file, FlockOperation::NonBlockingLockExclusive)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::File;

    /// EIO, for an error without a number.
    pub const UNKNOWN: i32 = rustix::io::Errno::IO.raw_os_error();

    pub fn allocate(_: &File, _: u64) -> std::io::Result<()> {
        Err(rustix::io::Errno::OPNOTSUPP.into())
    }

    pub fn probe(_: &File) -> std::io::Result<()> {
        Ok(())
    }
}

use system::{UNKNOWN, allocate, probe};
