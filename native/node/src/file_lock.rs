//! Exclusive kernel locks on files: they end with the process that holds them, however it ends, and hold while it is
//! stopped.

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
    /// Locks the file at `path`, which is made if it is missing; null if another process or handle holds it.
    #[napi]
    pub fn try_acquire(path: String) -> Result<Option<FileLock>> {
        let failed = |cause| error(ErrorCode::FileLock, format_args!("cannot lock {path}: {cause}"));
        // Written to by nobody: the content of a lock file of another version stays.
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(FileLock { file: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }

    /// Gives the lock up; the file stays. Again is harmless.
    #[napi]
    pub fn release(&mut self) {
        self.file = None;
    }
}
