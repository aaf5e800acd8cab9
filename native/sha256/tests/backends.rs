//! Every backend of this CPU against the `sha2` crate: ragged lengths, any number of files, any interleaving and split
//! into batches, and pages that move between backends in the middle of the files. A run prints its seed;
//! `STREAM_SUM_TEST_SEED` repeats it.

use std::collections::HashMap;

use sha2::Digest;
use stream_sum_sha256::{Backend, PAGE_BYTES, Pool, SUM_BYTES, Sha256, SlotPool};

const CASES: usize = if cfg!(miri) { 1 } else { 60 };

struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let forced = std::env::var("STREAM_SUM_TEST_SEED").ok().map(|seed| seed.parse().unwrap());
        let seed = forced.unwrap_or_else(|| u64::from(std::process::id()) | 1 << 40);
        println!("STREAM_SUM_TEST_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Lengths near a block's boundaries, sometimes long.
    fn length(&mut self) -> usize {
        match self.below(10) {
            0..4 => 1 + self.below(70),
            4..7 => (1 + self.below(4)) * 64 - 9 + self.below(18),
            7..9 => 1 + self.below(if cfg!(miri) { 100 } else { 600 }),
            _ => 1 + self.below(if cfg!(miri) { 200 } else { 9_000 }),
        }
    }
}

fn file_id(file: usize) -> [u8; 16] {
    let mut id = *b"producer\0\0\0\0\0\0\0\0";
    id[8..].copy_from_slice(&(file as u64).to_be_bytes());
    id
}

/// Files that grow and end, with their sums by the `sha2` crate.
#[derive(Default)]
struct Oracle {
    open: HashMap<usize, (u32, u64, sha2::Sha256)>,
    files_made: usize,
}

impl Oracle {
    /// Adds a record of a random file to `payload`. Returns the sum if the record ends the file.
    fn record(&mut self, random: &mut Random, files: usize, payload: &mut Vec<u8>) -> Option<Vec<u8>> {
        let file = random.below(files);
        let (sequence, bytes, hasher) = self.open.entry(file).or_default();
        let data = if random.below(12) == 0 { Vec::new() } else { vec![random.next() as u8; random.length()] };
        *sequence += 1;
        *bytes += data.len() as u64;
        hasher.update(&data);
        payload.extend_from_slice(&(data.len() as u32).to_le_bytes());
        payload.extend_from_slice(&sequence.to_le_bytes());
        payload.extend_from_slice(&file_id(file));
        payload.extend_from_slice(&data);
        if !data.is_empty() {
            return None;
        }
        let (sequence, bytes, hasher) = self.open.remove(&file).unwrap();
        self.files_made += 1;
        let mut sum = file_id(file).to_vec();
        sum.extend_from_slice(&sequence.to_le_bytes());
        sum.extend_from_slice(&[0; 4]);
        sum.extend_from_slice(&bytes.to_le_bytes());
        sum.extend_from_slice(&hasher.finalize());
        Some(sum)
    }
}

/// A pool of another backend with the same files, moved through stored pages.
fn moved(pool: &mut Pool, backend: Backend, stored: &mut HashMap<u32, Vec<u8>>) -> Pool {
    let mut numbers = vec![0; pool.dirty_pages()];
    let mut bytes = vec![0xee; numbers.len() * PAGE_BYTES];
    assert_eq!(pool.take_dirty_pages(&mut numbers, &mut bytes), Some(numbers.len()));
    for (number, page) in numbers.iter().zip(bytes.chunks(PAGE_BYTES)) {
        stored.insert(*number, page.to_vec());
    }
    let mut other = Pool::new(backend);
    for (number, page) in stored.iter() {
        other.load_page(*number as usize, page).unwrap();
    }
    assert_eq!(other.open_files(), pool.open_files());
    other
}

#[test]
fn sums_are_those_of_the_sha2_crate_across_interleavings_batches_and_backends() {
    let mut random = Random::seeded();
    let backends = Backend::available();
    println!("backends of this CPU: {}", backends.iter().map(|backend| backend.name()).collect::<Vec<_>>().join(", "));
    for case in 0..CASES {
        let files = [1, 2, 3, 8, 15, 16, 17, 33, 100, 700][case % 10];
        for &first in &backends {
            let mut pool = Pool::new(first);
            let mut stored = HashMap::new();
            let mut oracle = Oracle::default();
            for _ in 0..1 + random.below(if cfg!(miri) { 2 } else { 8 }) {
                let count = 1 + random.below(if cfg!(miri) { 20 } else { 900 });
                let mut payload = Vec::new();
                let sums =
                    (0..count).filter_map(|_| oracle.record(&mut random, files, &mut payload)).collect::<Vec<_>>();
                let mut actual = vec![0; sums.len() * SUM_BYTES];
                assert_eq!(pool.fold(&payload, count, 0, &mut actual), Ok(sums.len()));
                assert_eq!(actual, sums.concat(), "{files} files, first on {}", first.name());
                if random.below(2) == 0 {
                    let next = backends[random.below(backends.len())];
                    pool = moved(&mut pool, next, &mut stored);
                }
            }
            assert_eq!(pool.open_files(), oracle.open.len());
        }
    }
}

#[test]
fn sliced_chunks_have_the_digests_of_the_sha2_crate_on_every_backend() {
    let mut random = Random::seeded();
    for case in 0..CASES {
        let streams = [1, 2, 7, 16, 18, 150][case % 6];
        for backend in Backend::available() {
            let mut pool = SlotPool::new(backend);
            let slots = (0..streams).map(|_| pool.open().unwrap()).collect::<Vec<_>>();
            let mut hashers = vec![sha2::Sha256::new(); streams];
            for _ in 0..3 {
                let (mut chunk_slots, mut ends, mut data) = (Vec::new(), Vec::new(), Vec::new());
                for _ in 0..random.below(if cfg!(miri) { 30 } else { 700 }) {
                    let stream = random.below(streams);
                    let chunk = vec![random.next() as u8; random.below(2) * random.length()];
                    hashers[stream].update(&chunk);
                    data.extend_from_slice(&chunk);
                    chunk_slots.push(slots[stream]);
                    ends.push(data.len() as u32);
                }
                pool.fold(&chunk_slots, &ends, &data).unwrap();
            }
            let mut digests = vec![0; streams * 32];
            pool.finish(&slots, &mut digests).unwrap();
            let expected = hashers.into_iter().flat_map(|hasher| hasher.finalize().to_vec()).collect::<Vec<_>>();
            assert_eq!(digests, expected, "{streams} streams on {}", backend.name());
            assert_eq!(pool.open_streams(), 0);
        }
    }
}

#[test]
fn a_state_saved_at_any_byte_on_one_backend_resumes_on_every_other() {
    const STREAMS: usize = if cfg!(miri) { 2 } else { 17 };
    let message = (0..400u32).map(|index| (index * 167 + (index >> 8) * 13 + 5) as u8).collect::<Vec<_>>();
    let digest = sha2::Sha256::digest(&message);
    let backends = Backend::available();
    for saved in (0..=200).step_by(if cfg!(miri) { 67 } else { 1 }) {
        for &first in &backends {
            let mut hasher = Sha256::new(first);
            hasher.update(&message[..saved]).unwrap();
            let state = hasher.serialize();
            for &second in &backends {
                let names = (first.name(), second.name());
                let mut resumed = Sha256::deserialize(second, &state).unwrap();
                assert_eq!(resumed.serialize(), state, "{saved} bytes, {names:?}");
                resumed.update(&message[saved..]).unwrap();
                assert_eq!(resumed.digest()[..], digest[..], "{saved} bytes, {names:?}");
                // In the lanes, beside streams of other lengths.
                let mut pool = SlotPool::new(second);
                let slots = (0..STREAMS).map(|_| pool.open_state(&state).unwrap()).collect::<Vec<_>>();
                let rests = (0..STREAMS).map(|stream| &message[saved..400 - stream]).collect::<Vec<_>>();
                let ends = rests.iter().scan(0, |end, rest| {
                    *end += rest.len() as u32;
                    Some(*end)
                });
                pool.fold(&slots, &ends.collect::<Vec<_>>(), &rests.concat()).unwrap();
                let mut digests = vec![0; STREAMS * 32];
                pool.finish(&slots, &mut digests).unwrap();
                for (stream, actual) in digests.chunks(32).enumerate() {
                    let expected = sha2::Sha256::digest(&message[..400 - stream]);
                    assert_eq!(*actual, expected[..], "{saved} bytes, stream {stream}, {names:?}");
                }
            }
        }
    }
}
