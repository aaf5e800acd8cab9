//! Throughput of every backend in Rust, without Node: GB/s over 1,000 streams in random interleave, sliced chunks and
//! record batches, the fastest of many interleaved rounds. `cargo run --release --example throughput [BACKEND]`

use std::time::Instant;

use stream_sum_sha256::{Backend, Pool, SlotPool};

const STREAMS: usize = 1_000;
const ROUNDS: usize = 60;
const BATCH_BYTES: usize = 1 << 18;
const RECORD_HEADER_BYTES: usize = 24;

struct Case {
    chunk_bytes: usize,
    slots: Vec<u32>,
    ends: Vec<u32>,
    data: Vec<u8>,
    records: Vec<u8>,
    sequences: Vec<u32>,
}

impl Case {
    fn new(chunk_bytes: usize, random: &mut impl FnMut() -> u64) -> Self {
        let chunks = (BATCH_BYTES / chunk_bytes).max(64);
        let slots: Vec<u32> = (0..chunks).map(|_| (random() % STREAMS as u64) as u32).collect();
        let data: Vec<u8> = (0..chunks * chunk_bytes).map(|_| random() as u8).collect();
        let mut records = Vec::new();
        for (slot, chunk) in slots.iter().zip(data.chunks(chunk_bytes)) {
            records.extend_from_slice(&(chunk_bytes as u32).to_le_bytes());
            records.extend_from_slice(&[0; 4 + 12]);
            records.extend_from_slice(&slot.to_be_bytes());
            records.extend_from_slice(chunk);
        }
        let ends = (1..=chunks).map(|chunk| (chunk * chunk_bytes) as u32).collect();
        Self { chunk_bytes, slots, ends, data, records, sequences: vec![0; STREAMS] }
    }

    /// Gives the records new sequences that follow those of the last batch.
    fn renumber(&mut self) {
        for (slot, record) in self.slots.iter().zip(self.records.chunks_mut(RECORD_HEADER_BYTES + self.chunk_bytes)) {
            let sequence = &mut self.sequences[*slot as usize];
            *sequence += 1;
            record[4..8].copy_from_slice(&sequence.to_le_bytes());
        }
    }
}

fn print_row(chunk_bytes: usize, what: &str, bytes: usize, seconds: &[f64]) {
    print!("{chunk_bytes:>8} {what:<8}");
    for fastest in seconds {
        let nanoseconds = fastest * 1e9 / (bytes / chunk_bytes) as f64;
        print!("{:>9.3}{nanoseconds:>9.1}", bytes as f64 / fastest / 1e9);
    }
    println!();
}

fn main() {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let forced = std::env::args().nth(1);
    let mut backends = Backend::available();
    backends.retain(|backend| forced.as_ref().is_none_or(|name| backend.name() == name));
    print!("{:>17}", "GB/s, ns a chunk");
    backends.iter().for_each(|backend| print!("{:>18}", backend.name()));
    println!();
    for chunk_bytes in [32, 64, 256, 1024, 4096, 65_536] {
        let mut case = Case::new(chunk_bytes, &mut random);
        let mut slot_pools: Vec<_> = backends.iter().map(|backend| SlotPool::new(*backend)).collect();
        let mut pools: Vec<_> = backends.iter().map(|backend| Pool::new(*backend)).collect();
        slot_pools.iter_mut().for_each(|pool| (0..STREAMS).for_each(|_| assert!(pool.open().is_ok())));
        let mut seconds = [vec![f64::INFINITY; backends.len()], vec![f64::INFINITY; backends.len()]];
        for _ in 0..ROUNDS {
            case.renumber();
            for at in 0..backends.len() {
                let start = Instant::now();
                slot_pools[at].fold(&case.slots, &case.ends, &case.data).unwrap();
                seconds[0][at] = seconds[0][at].min(start.elapsed().as_secs_f64());
                let start = Instant::now();
                pools[at].fold(&case.records, case.slots.len(), 0, &mut []).unwrap();
                seconds[1][at] = seconds[1][at].min(start.elapsed().as_secs_f64());
            }
        }
        print_row(chunk_bytes, "sliced", case.data.len(), &seconds[0]);
        print_row(chunk_bytes, "records", case.data.len(), &seconds[1]);
    }
    println!("selected: {}", Backend::selected().unwrap().name());
}
