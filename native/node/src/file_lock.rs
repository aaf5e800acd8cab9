//! Exclusive kernel locks on files. A lock ends with the process that holds it, however the process ends, and holds
//! while the process is stopped.

use std::fs::{File, OpenOptions, TryLockError};

use napi_derive::napi;

use crate::arguments::{ErrorCode, Result, error};

/// A held lock.
#[napi]
pub struct FileLock {
    /// None once released.
    file: Option<File>,
}

#[napi]
impl FileLock {
    /// Locks the file at `path`, which is made if it is missing. Null if another process or handle holds the lock.
    #[napi]
    pub fn try_acquire(path: String) -> Result<Option<FileLock>> {
        let failed = |cause| error(ErrorCode::FileLock, format_args!("cannot lock {path}: {cause}"));
        // Nothing is written: the content of another version's lock file stays.
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(FileLock { file: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }

    /// Releases the lock; the file stays. Calling it again does nothing.
    #[napi]
    pub fn release(&mut self) {
        self.file = None;
    }
}
