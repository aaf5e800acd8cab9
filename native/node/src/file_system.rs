//! What a power cut needs of a file system: how much of a file is not on its disk yet, and an end of the file system
//! after which nothing reaches its disk. Both are calls of Linux, and `ENOSYS` elsewhere.

use std::fs::File;
use std::io::Result;

use napi_derive::napi;

/// Bytes of the file at `path` that are changed in memory and not on the disk yet, or on their way there, in whole
/// pages. A negative result is the error number of the system. ENOSYS: the kernel is older than Linux 6.5.
#[napi]
pub fn unsynced_file_bytes(path: String) -> f64 {
    match File::open(path).and_then(|file| unsynced_bytes(&file)) {
        Ok(bytes) => bytes as f64,
        Err(error) => -f64::from(error_number(&error)),
    }
}

/// Shuts down the ext4 file system of `path` at once, as if its power were cut: what is not on the disk yet is lost,
/// the journal of the file system included, and every later call on its files fails. The file system must be unmounted
/// and mounted again. The result is 0 or the error number of the system. It needs the rights of root.
#[napi]
pub fn shut_down_file_system(path: String) -> i32 {
    match File::open(path).and_then(|folder| shut_down(&folder)) {
        Ok(()) => 0,
        Err(error) => error_number(&error),
    }
}

fn error_number(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(rustix::io::Errno::IO.raw_os_error())
}

#[cfg(target_os = "linux")]
mod system {
    use super::{File, Result};
    use rustix::ioctl::{Opcode, Setter, ioctl};
    use std::os::fd::AsRawFd;

    /// `cachestat(2)`, the same number on every architecture that Node runs on.
    const SYS_CACHESTAT: libc::c_long = 451;
    /// `EXT4_IOC_SHUTDOWN`, and its way that writes nothing, not even the journal.
    const SHUTDOWN: Opcode = 0x8004_587D;
    const WITHOUT_LOG_FLUSH: u32 = 2;

    /// `struct cachestat_range`; a length of 0 reaches to the end of the file.
    #[repr(C)]
    struct Range {
        offset: u64,
        length: u64,
    }

    /// `struct cachestat`, in pages.
    #[repr(C)]
    #[derive(Default)]
    struct Cached {
        cached: u64,
        dirty: u64,
        in_writeback: u64,
        evicted: u64,
        recently_evicted: u64,
    }

    pub fn unsynced_bytes(file: &File) -> Result<u64> {
        let range = Range { offset: 0, length: 0 };
        let mut found = Cached::default();
        // SAFETY: the kernel reads the first structure and writes the second one during the call. Both have the layout
        // that it expects, and live longer than the call. The file is open.
        #[allow(unsafe_code, reason = "a call that no library has")]
        let code = unsafe { libc::syscall(SYS_CACHESTAT, file.as_raw_fd(), &raw const range, &raw mut found, 0) };
        if code != 0 {
            return Err(std::io::Error::last_os_error());
        }
        Ok((found.dirty + found.in_writeback) * rustix::param::page_size() as u64)
    }

    pub fn shut_down(folder: &File) -> Result<()> {
        // SAFETY: the opcode takes a pointer to a 32-bit number, which the kernel reads during the call.
        #[allow(unsafe_code, reason = "an opcode of one file system")]
        unsafe {
            ioctl(folder, Setter::<SHUTDOWN, u32>::new(WITHOUT_LOG_FLUSH))?;
        }
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{File, Result};

    pub fn unsynced_bytes(_: &File) -> Result<u64> {
        Err(rustix::io::Errno::NOSYS.into())
    }

    pub fn shut_down(_: &File) -> Result<()> {
        Err(rustix::io::Errno::NOSYS.into())
    }
}

use system::{shut_down, unsynced_bytes};
