//! The addon: checks arguments, maps errors to JavaScript errors with a `code`, and hands bytes to `stream-sum-sha256`.
//! Memory that outlives a call belongs either to JavaScript or to a class below. No reference into a JavaScript buffer
//! is kept past the call.

mod arguments;
mod backend;
mod checksum;
mod count_page;
mod file_lock;
mod file_space;
mod file_system;
mod memory;
mod pool;
mod sha256;
mod slot_pool;
