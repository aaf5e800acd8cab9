//! Tells V8 of memory that it does not see, so that it collects pools that nobody holds.

use napi::Env;

/// Smaller changes are not reported to V8, because each report costs a call.
const STEP_BYTES: i64 = 16 << 10;

/// The bytes that were reported for one object.
#[derive(Default)]
pub struct ReportedMemory {
    bytes: i64,
}

impl ReportedMemory {
    /// Tells V8 that the object holds `bytes` now.
    pub fn report(&mut self, env: &Env, bytes: usize) -> napi::Result<()> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if (bytes - self.bytes).abs() >= STEP_BYTES || bytes == 0 {
            env.adjust_external_memory(bytes - self.bytes)?;
            self.bytes = bytes;
        }
        Ok(())
    }
}
