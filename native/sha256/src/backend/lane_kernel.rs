//! What a backend offers to whoever keeps lanes full.

#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "the backends there have one lane"))]

/// A kernel that folds `LANES` independent streams side by side.
pub(crate) trait LaneKernel<const LANES: usize> {
    /// Folds as many blocks as the shortest of `blocks` has into each of `h`.
    fn compress_lanes(&self, h: &mut [[u32; 8]; LANES], blocks: [&[[u8; 64]]; LANES]);
}

/// Work for the lanes that a backend turns out to have. `Backend::run` calls one of these methods.
pub(crate) trait LaneWork {
    /// The backend has one lane.
    fn with_one(self);

    /// All lanes of one kernel, worth while from two streams on.
    fn with_lanes<const LANES: usize>(self, kernel: &impl LaneKernel<LANES>);

    /// A wide kernel from `lanes_min` streams on, and pairs below.
    fn with_wide_lanes<const LANES: usize>(
        self,
        wide: &impl LaneKernel<LANES>,
        lanes_min: usize,
        narrow: &impl LaneKernel<2>,
    );
}
