//! Where a wide and a narrow kernel are close, the processor decides which one is faster. A process measures it once,
//! in 1-2 ms.

#![cfg(target_arch = "x86_64")]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::lane_kernel::LaneKernel;

/// Blocks of one measured call: 1 KiB a lane.
const BLOCKS: usize = 16;
/// Time for both kernels together.
const BUDGET: Duration = Duration::from_micros(1_500);

/// The number of streams from which sixteen lanes are faster than pairs; above 16 if they never are.
pub(super) fn lanes_min(wide: &impl LaneKernel<16>, narrow: &impl LaneKernel<2>) -> usize {
    static LANES_MIN: OnceLock<usize> = OnceLock::new();
    *LANES_MIN.get_or_init(|| {
        let (mut wide_call, mut narrow_call) = (f64::INFINITY, f64::INFINITY);
        let start = Instant::now();
        // In turns, so that a disturbance of the machine disturbs both. The fastest call counts.
        while start.elapsed() < BUDGET {
            wide_call = wide_call.min(call_seconds(wide));
            for _ in 0..4 {
                narrow_call = narrow_call.min(call_seconds(narrow));
            }
        }
        (wide_call / (narrow_call / 2.0)).ceil().max(2.0) as usize
    })
}

fn call_seconds<const LANES: usize>(kernel: &impl LaneKernel<LANES>) -> f64 {
    let blocks = [[0x5au8; 64]; BLOCKS];
    let mut h = [[0u32; 8]; LANES];
    let start = Instant::now();
    kernel.compress_lanes(&mut h, [&blocks; LANES]);
    let seconds = start.elapsed().as_secs_f64();
    std::hint::black_box(h);
    seconds
}
