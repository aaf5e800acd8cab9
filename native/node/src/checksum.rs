//! CRC-32C (Castagnoli), by the CPU's instruction where there is one.

use napi_derive::napi;

use crate::arguments::{Result, integer};

/// Continues the checksum `seed` (0 at first) over `data`.
#[napi(js_name = "crc32c")]
pub fn crc32c(seed: f64, data: &[u8]) -> Result<u32> {
    Ok(crc32c::crc32c_append(integer("seed", seed)? as u32, data))
}
