//! Where a wide and a narrow kernel are near each other, which one is faster depends on the processor: it is measured
//! once in a process, in 1-2 ms.

#![cfg(target_arch = "x86_64")]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::LaneKernel;

/// Blocks of one measured call: 1 KiB a lane.
const BLOCKS: usize = 16;
/// Spent on each kernel; the fastest call counts, so that an interruption does not.
const BUDGET: Duration = Duration::from_micros(600);

/// The number of streams from which sixteen lanes are faster than pairs; above 16 if they never are.
pub(super) fn lanes_min(wide: &impl LaneKernel<16>, narrow: &impl LaneKernel<2>) -> usize {
    static LANES_MIN: OnceLock<usize> = OnceLock::new();
    *LANES_MIN.get_or_init(|| {
        let wide_call = fastest_call(wide);
        let narrow_stream = fastest_call(narrow) / 2.0;
        (wide_call / narrow_stream).ceil().max(2.0) as usize
    })
}

/// Seconds of the fastest call.
fn fastest_call<const LANES: usize>(kernel: &impl LaneKernel<LANES>) -> f64 {
    let blocks = [[0x5au8; 64]; BLOCKS];
    let mut h = [[0u32; 8]; LANES];
    let mut fastest = f64::INFINITY;
    let start = Instant::now();
    while start.elapsed() < BUDGET {
        let call = Instant::now();
        kernel.compress_lanes(&mut h, [&blocks; LANES]);
        fastest = fastest.min(call.elapsed().as_secs_f64());
    }
    std::hint::black_box(h);
    fastest
}
