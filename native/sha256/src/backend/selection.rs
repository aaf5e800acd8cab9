//! The backend of this process: the environment's choice, else the fastest that the CPU can run.

use std::sync::OnceLock;

use super::{Backend, BackendError, Kernel};

/// Names a backend to use. If the CPU cannot run it, that is an error: there is no fallback.
pub const BACKEND_VARIABLE: &str = "STREAM_SUM_SHA256_BACKEND";

impl Backend {
    /// The backend of this process, chosen at the first call.
    pub fn selected() -> Result<Backend, BackendError> {
        static SELECTED: OnceLock<Result<Backend, BackendError>> = OnceLock::new();
        let select = || match std::env::var_os(BACKEND_VARIABLE) {
            Some(name) if !name.is_empty() => Backend::from_name(&name.to_string_lossy()),
            _ => Ok(Backend::fastest()),
        };
        SELECTED.get_or_init(select).clone()
    }

    /// Sixteen lanes where the calibration found them clearly faster, then the SHA extensions, then vectors.
    fn fastest() -> Backend {
        let available = |name| Backend::from_name(name).ok();
        available("x86_avx512_x16")
            .filter(|backend| backend.is_worth_its_width())
            .or_else(|| available("x86_shani_x2"))
            .or_else(|| available("aarch64_sha2"))
            .or_else(|| available("x86_avx2_x8"))
            .unwrap_or(Backend(Kernel::Portable))
    }

    fn is_worth_its_width(self) -> bool {
        match self.0 {
            // With ragged chunks the last lanes are seldom all full, so pairs win a near tie.
            #[cfg(target_arch = "x86_64")]
            Kernel::X86Avx512X16(lanes) => lanes.lanes_min <= 14,
            _ => true,
        }
    }
}
