//! Errors with a `code`, and checks that several classes share.

use napi::bindgen_prelude::Error;

/// The `code` of an error that JavaScript sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// An argument of the right type has a value out of its bounds.
    OutOfRange,
    /// Two buffers of one call share memory.
    BuffersOverlap,
    /// The bytes are not a serialized state.
    State,
    /// The bytes are not a page, or the page cannot be loaded.
    Page,
    /// The message would be longer than SHA-256 allows.
    MessageTooLong,
    /// The backend that the environment names does not exist, or this CPU cannot run it.
    Backend,
    /// There is no memory for a buffer.
    Memory,

    /// Slots or chunk ends do not fit the pool or each other.
    Slots,
    /// The operating system refused a file lock.
    FileLock,
    /// A page of counts cannot be mapped.
    CountPage,
}

impl AsRef<str> for ErrorCode {
    fn as_ref(&self) -> &str {
        match self {
            ErrorCode::OutOfRange => "ERR_OUT_OF_RANGE",
            ErrorCode::BuffersOverlap => "ERR_BUFFERS_OVERLAP",
            ErrorCode::State => "ERR_SHA256_STATE",
            ErrorCode::Page => "ERR_SHA256_PAGE",
            ErrorCode::MessageTooLong => "ERR_SHA256_MESSAGE_TOO_LONG",
            ErrorCode::Backend => "ERR_SHA256_BACKEND",
            ErrorCode::Memory => "ERR_MEMORY_ALLOCATION_FAILED",
            ErrorCode::Slots => "ERR_SLOT_POOL",
            ErrorCode::FileLock => "ERR_FILE_LOCK",
            ErrorCode::CountPage => "ERR_COUNT_PAGE",
        }
    }
}

/// A caller's output buffer. The alias keeps the macro from reading `&mut` as a reference to a class.
pub type BytesMut<'a> = &'a mut [u8];
/// A caller's output buffer of numbers.
pub type WordsMut<'a> = &'a mut [u32];

pub type Result<T> = std::result::Result<T, Error<ErrorCode>>;

/// An error to throw.
pub fn error(code: ErrorCode, reason: impl std::fmt::Display) -> Error<ErrorCode> {
    Error::new(code, reason.to_string())
}

/// A JavaScript number that must be an integer in 0 to 2^32 - 1.
pub fn integer(name: &str, value: f64) -> Result<usize> {
    if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) {
        return Ok(value as usize);
    }
    Err(error(ErrorCode::OutOfRange, format_args!("{name} must be an integer from 0 to {}, not {value}", u32::MAX)))
}

/// Refuses a call whose input and output buffers share memory.
pub fn disjoint<A, B>(input: &[A], output: &[B], names: &str) -> Result<()> {
    let input = input.as_ptr_range();
    let output = output.as_ptr_range();
    let (input_start, input_end) = (input.start as usize, input.end as usize);
    let (output_start, output_end) = (output.start as usize, output.end as usize);
    if input_start < output_end && output_start < input_end {
        return Err(error(ErrorCode::BuffersOverlap, format_args!("{names} must not share memory")));
    }
    Ok(())
}
