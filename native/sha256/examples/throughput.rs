//! Throughput of every backend in Rust, without Node: GB/s over 1,000 streams in random interleave, median of rounds
//! that are interleaved. `cargo run --release --example throughput`

use std::time::Instant;

use stream_sum_sha256::{Backend, SlotPool};

const STREAMS: usize = 1_000;
const ROUNDS: usize = 15;
const BATCH_BYTES: usize = 1 << 20;

struct Case {
    slots: Vec<u32>,
    ends: Vec<u32>,
    data: Vec<u8>,
}

fn case(chunk_bytes: usize, random: &mut impl FnMut() -> u64) -> Case {
    let chunks = (BATCH_BYTES / chunk_bytes).max(64);
    Case {
        slots: (0..chunks).map(|_| (random() % STREAMS as u64) as u32).collect(),
        ends: (1..=chunks).map(|chunk| (chunk * chunk_bytes) as u32).collect(),
        data: (0..chunks * chunk_bytes).map(|_| random() as u8).collect(),
    }
}

fn main() {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let backends = Backend::available();
    print!("{:>10}", "chunk");
    backends.iter().for_each(|backend| print!("{:>16}", backend.name()));
    println!("  GB/s");
    for chunk_bytes in [32, 64, 256, 1024, 4096, 65_536] {
        let case = case(chunk_bytes, &mut random);
        let mut pools = backends.iter().map(|backend| SlotPool::new(*backend)).collect::<Vec<_>>();
        for pool in &mut pools {
            (0..STREAMS).for_each(|_| assert!(pool.open().is_ok()));
        }
        let mut rates = vec![Vec::new(); backends.len()];
        for _ in 0..ROUNDS {
            for (pool, rates) in pools.iter_mut().zip(&mut rates) {
                let start = Instant::now();
                pool.fold(&case.slots, &case.ends, &case.data).unwrap();
                rates.push(case.data.len() as f64 / start.elapsed().as_secs_f64() / 1e9);
            }
        }
        print!("{chunk_bytes:>10}");
        for rates in &mut rates {
            rates.sort_by(f64::total_cmp);
            print!("{:>16.3}", rates[ROUNDS / 2]);
        }
        println!();
    }
    println!("selected: {}", Backend::selected().unwrap().name());
}
