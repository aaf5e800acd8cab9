//! What V8 is told of memory that it does not see, so that it collects pools that nobody holds.

use napi::Env;

/// A change below which V8 is not told: it is a call of its own.
const STEP_BYTES: i64 = 16 << 10;

/// What V8 was told of one object.
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
