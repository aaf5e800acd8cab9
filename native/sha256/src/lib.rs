//! Resumable SHA-256 over many files at once.
//!
//! [`Sha256`] is one stream whose state can be saved and resumed ([`STATE_BYTES`], Go's 108-byte format). [`Pool`]
//! holds the contexts of all open files of one partition in one slab, and folds a whole batch of chunks in one call,
//! all or nothing. Hash function: FIPS 180-4, section 6.2. There is no I/O and no N-API here, and `unsafe` is allowed
//! only in `backend`.

mod backend;
mod bits;
mod codec;
mod context;
mod contexts;
mod failure;
mod lanes;
mod page;
mod plan;
mod pool;
mod record;
mod sha256;
mod slab;
mod slot_pool;
mod table;
mod window;

pub use backend::{BACKEND_NAMES, BACKEND_VARIABLE, Backend, BackendError};
pub use codec::{STATE_BYTES, StateError};
pub use context::{BLOCK_BYTES, BYTE_COUNT_MAX, DIGEST_BYTES, FILE_ID_BYTES, FileId};
pub use failure::{Failure, FailureKind};
pub use page::{PAGE_BYTES, PAGE_SLOTS, PAGES_MAX, PageError, SLOT_BYTES};
pub use pool::Pool;
pub use record::{PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, SUM_BYTES};
pub use sha256::{MessageTooLong, Sha256};
pub use slot_pool::{SlotError, SlotPool};
