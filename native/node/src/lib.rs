//! The addon: checks arguments, maps errors to JavaScript ones with a `code`, and hands bytes to `stream-sum-sha256`.
//! All memory that outlives a call belongs either to JavaScript or to a class below; no reference into a JavaScript
//! buffer is kept past the call.

mod arguments;
mod backend;
mod checksum;
mod file_lock;
mod file_space;
mod memory;
mod pool;
mod sha256;
mod slot_pool;
