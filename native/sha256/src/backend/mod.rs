//! The compression function of SHA-256 (FIPS 180-4, 6.2.2) by instruction set: one file each, and this enum as the only
//! switch. A variant holds a token that exists only where the CPU has the instructions, so no call can fault.

use std::fmt;

#[cfg(target_arch = "aarch64")]
mod aarch64_sha2;
mod calibration;
mod id_hasher;
mod lane_kernel;
mod portable;
mod prefetch;
mod round_constants;
mod selection;
#[cfg(test)]
mod tests;
mod vectors;
#[cfg(target_arch = "x86_64")]
mod x86_avx2_x1;
#[cfg(target_arch = "x86_64")]
mod x86_avx2_x8;
#[cfg(target_arch = "x86_64")]
mod x86_avx512_x16;
#[cfg(target_arch = "x86_64")]
mod x86_shani_x1;
#[cfg(target_arch = "x86_64")]
mod x86_shani_x2;

pub(crate) use id_hasher::IdHasher;
pub(crate) use lane_kernel::{LaneKernel, LaneWork};
pub(crate) use prefetch::{prefetch, prefetch_all};
pub use selection::BACKEND_VARIABLE;
pub(crate) use vectors::{Splicer, with_vectors};

/// One way to compress that this CPU can run.
#[derive(Clone, Copy)]
pub struct Backend(Kernel);

#[derive(Clone, Copy)]
enum Kernel {
    Portable,
    #[cfg(target_arch = "x86_64")]
    X86ShaniX1(x86_shani_x1::X86ShaniX1),
    #[cfg(target_arch = "x86_64")]
    X86ShaniX2(x86_shani_x2::X86ShaniX2),
    #[cfg(target_arch = "x86_64")]
    X86Avx2X1(x86_avx2_x1::X86Avx2X1),
    #[cfg(target_arch = "x86_64")]
    X86Avx2X8(x86_avx2_x8::X86Avx2X8),
    #[cfg(target_arch = "x86_64")]
    X86Avx512X16(WideLanes),
    #[cfg(target_arch = "aarch64")]
    Aarch64Sha2(aarch64_sha2::Aarch64Sha2),
}

/// Sixteen lanes, and the kernel that takes over when there are too few streams to fill them.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct WideLanes {
    wide: x86_avx512_x16::X86Avx512X16,
    narrow: Option<x86_shani_x2::X86ShaniX2>,
    /// With fewer streams than this the narrow kernel is faster.
    lanes_min: usize,
}

/// The names of all backends, of this CPU or not.
pub const BACKEND_NAMES: [&str; 7] =
    ["portable", "x86_shani_x1", "x86_shani_x2", "x86_avx2_x1", "x86_avx2_x8", "x86_avx512_x16", "aarch64_sha2"];

/// Why a name gives no backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendError {
    /// No backend has that name.
    Unknown(String),
    /// This CPU lacks the instructions.
    Unavailable(String),
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let available = Backend::available().iter().map(|backend| backend.name()).collect::<Vec<_>>().join(", ");
        match self {
            BackendError::Unknown(name) => write!(f, "there is no backend {name:?}; this CPU can run {available}"),
            BackendError::Unavailable(name) => {
                write!(f, "this CPU lacks the instructions of {name}; it can run {available}")
            }
        }
    }
}

impl std::error::Error for BackendError {}

impl Backend {
    /// Every backend that this CPU can run, `portable` first.
    pub fn available() -> Vec<Backend> {
        BACKEND_NAMES.iter().filter_map(|name| Backend::from_name(name).ok()).collect()
    }

    /// The backend of that name.
    pub fn from_name(name: &str) -> Result<Backend, BackendError> {
        let kernel = match name {
            "portable" => Some(Kernel::Portable),
            #[cfg(target_arch = "x86_64")]
            "x86_shani_x1" => x86_shani_x1::X86ShaniX1::new().map(Kernel::X86ShaniX1),
            #[cfg(target_arch = "x86_64")]
            "x86_shani_x2" => x86_shani_x2::X86ShaniX2::new().map(Kernel::X86ShaniX2),
            #[cfg(target_arch = "x86_64")]
            "x86_avx2_x1" => x86_avx2_x1::X86Avx2X1::new().map(Kernel::X86Avx2X1),
            #[cfg(target_arch = "x86_64")]
            "x86_avx2_x8" => x86_avx2_x8::X86Avx2X8::new().map(Kernel::X86Avx2X8),
            #[cfg(target_arch = "x86_64")]
            "x86_avx512_x16" => WideLanes::new().map(Kernel::X86Avx512X16),
            #[cfg(target_arch = "aarch64")]
            "aarch64_sha2" => aarch64_sha2::Aarch64Sha2::new().map(Kernel::Aarch64Sha2),
            _ if BACKEND_NAMES.contains(&name) => None,
            _ => return Err(BackendError::Unknown(name.to_owned())),
        };
        kernel.map(Backend).ok_or_else(|| BackendError::Unavailable(name.to_owned()))
    }

    /// Its name, as `from_name` takes it.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kernel::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kernel::X86ShaniX1(_) => "x86_shani_x1",
            #[cfg(target_arch = "x86_64")]
            Kernel::X86ShaniX2(_) => "x86_shani_x2",
            #[cfg(target_arch = "x86_64")]
            Kernel::X86Avx2X1(_) => "x86_avx2_x1",
            #[cfg(target_arch = "x86_64")]
            Kernel::X86Avx2X8(_) => "x86_avx2_x8",
            #[cfg(target_arch = "x86_64")]
            Kernel::X86Avx512X16(_) => "x86_avx512_x16",
            #[cfg(target_arch = "aarch64")]
            Kernel::Aarch64Sha2(_) => "aarch64_sha2",
        }
    }

    /// Folds `blocks`, in order, into one stream's `h`.
    pub(crate) fn compress(self, h: &mut [u32; 8], blocks: &[[u8; 64]]) {
        match self.0 {
            Kernel::Portable => portable::compress(h, blocks),
            #[cfg(target_arch = "x86_64")]
            Kernel::X86ShaniX1(kernel) | Kernel::X86ShaniX2(x86_shani_x2::X86ShaniX2(kernel)) => {
                kernel.compress(h, blocks);
            }
            #[cfg(target_arch = "x86_64")]
            Kernel::X86Avx2X1(kernel) => kernel.compress(h, blocks),
            #[cfg(target_arch = "x86_64")]
            Kernel::X86Avx2X8(_) => compress_without_extensions(h, blocks),
            #[cfg(target_arch = "x86_64")]
            Kernel::X86Avx512X16(lanes) => match lanes.narrow {
                Some(x86_shani_x2::X86ShaniX2(kernel)) => kernel.compress(h, blocks),
                None => compress_without_extensions(h, blocks),
            },
            #[cfg(target_arch = "aarch64")]
            Kernel::Aarch64Sha2(kernel) => kernel.compress(h, blocks),
        }
    }

    /// Hands the lanes of this backend to `work`.
    pub(crate) fn run(self, work: impl LaneWork) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kernel::X86ShaniX2(kernel) => work.with_lanes(&kernel),
            #[cfg(target_arch = "x86_64")]
            Kernel::X86Avx2X8(kernel) => work.with_lanes(&kernel),
            #[cfg(target_arch = "x86_64")]
            Kernel::X86Avx512X16(WideLanes { wide, narrow, lanes_min }) => match narrow {
                Some(narrow) => work.with_wide_lanes(&wide, lanes_min, &narrow),
                None => work.with_lanes(&wide),
            },
            _ => work.with_one(),
        }
    }
}

/// A single stream on a CPU without SHA extensions.
#[cfg(target_arch = "x86_64")]
fn compress_without_extensions(h: &mut [u32; 8], blocks: &[[u8; 64]]) {
    match x86_avx2_x1::X86Avx2X1::new() {
        Some(kernel) => kernel.compress(h, blocks),
        None => portable::compress(h, blocks),
    }
}

#[cfg(target_arch = "x86_64")]
impl WideLanes {
    fn new() -> Option<Self> {
        let wide = x86_avx512_x16::X86Avx512X16::new()?;
        let narrow = x86_shani_x2::X86ShaniX2::new();
        let lanes_min = narrow.map_or(2, |narrow| calibration::lanes_min(&wide, &narrow));
        Some(Self { wide, narrow, lanes_min })
    }
}
