//! Each kernel against the compression of the `sha2` crate, lane by lane.

use sha2::block_api::compress256;

#[cfg(target_arch = "x86_64")]
use super::LaneKernel;
use super::{Backend, portable};

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d)
}

fn random_h(state: &mut u64) -> [u32; 8] {
    std::array::from_fn(|_| (random(state) >> 32) as u32)
}

fn random_blocks(state: &mut u64, count: usize) -> Vec<[u8; 64]> {
    (0..count).map(|_| std::array::from_fn(|_| (random(state) >> 40) as u8)).collect()
}

#[test]
fn one_stream_is_compressed_as_by_the_sha2_crate() {
    let mut state = 1;
    for count in 0..5 {
        let (h, blocks) = (random_h(&mut state), random_blocks(&mut state, count));
        let mut expected = h;
        compress256(&mut expected, &blocks);
        let mut actual = h;
        portable::compress(&mut actual, &blocks);
        assert_eq!(actual, expected);
        for backend in Backend::available() {
            let mut actual = h;
            backend.compress(&mut actual, &blocks);
            assert_eq!(actual, expected, "{}", backend.name());
        }
    }
}

/// Every lane has different blocks, and some lanes are longer than others.
#[cfg(target_arch = "x86_64")]
fn lanes_agree<const L: usize>(kernel: &impl LaneKernel<L>) {
    let mut state = 7;
    for shortest in 0..4 {
        let h: [[u32; 8]; L] = std::array::from_fn(|_| random_h(&mut state));
        let blocks: [Vec<[u8; 64]>; L] =
            std::array::from_fn(|lane| random_blocks(&mut state, shortest + if lane == L / 2 { 0 } else { lane % 3 }));
        let mut actual = h;
        kernel.compress_lanes(&mut actual, std::array::from_fn(|lane| blocks[lane].as_slice()));
        for lane in 0..L {
            let mut expected = h[lane];
            compress256(&mut expected, &blocks[lane][..shortest]);
            assert_eq!(actual[lane], expected, "lane {lane} of {L}, {shortest} blocks");
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn every_lane_is_compressed_as_by_the_sha2_crate() {
    if let Some(kernel) = super::x86_shani_x2::X86ShaniX2::new() {
        lanes_agree(&kernel);
    }
    if let Some(kernel) = super::x86_avx2_x8::X86Avx2X8::new() {
        lanes_agree(&kernel);
    }
    if let Some(kernel) = super::x86_avx512_x16::X86Avx512X16::new() {
        lanes_agree(&kernel);
    }
}

#[test]
fn a_backend_that_does_not_exist_or_cannot_run_is_an_error_that_says_so() {
    let error = |name| Backend::from_name(name).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error("x86_shani_x3").starts_with("there is no backend \"x86_shani_x3\"; this CPU can run portable"));
    let foreign = if cfg!(target_arch = "x86_64") { "aarch64_sha2" } else { "x86_shani_x2" };
    assert!(error(foreign).starts_with(&format!("this CPU lacks the instructions of {foreign}; it can run portable")));
    for backend in Backend::available() {
        assert_eq!(Backend::from_name(backend.name()).map(Backend::name), Ok(backend.name()));
    }
}
