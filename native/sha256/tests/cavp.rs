//! The byte-oriented SHA-256 vectors of NIST's Cryptographic Algorithm Validation Program (CAVS 11.1: short messages,
//! long messages, Monte Carlo), on every backend of this CPU, as single streams and side by side in its lanes.

use stream_sum_sha256::{Backend, DIGEST_BYTES, Sha256, SlotPool};

const SHORT: &str = include_str!("data/SHA256ShortMsg.rsp");
const LONG: &str = include_str!("data/SHA256LongMsg.rsp");
const MONTE: &str = include_str!("data/SHA256Monte.rsp");
/// More than the lanes of any backend, and not a multiple of them.
const MONTE_STREAMS: usize = 19;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Message and digest of each vector.
fn vectors(file: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut vectors = Vec::new();
    let (mut bits, mut message) = (0, Vec::new());
    for line in file.lines() {
        match line.split_once(" = ") {
            Some(("Len", value)) => bits = value.trim().parse().unwrap(),
            Some(("Msg", value)) => message = unhex(value.trim())[..bits / 8].to_vec(),
            Some(("MD", value)) => vectors.push((std::mem::take(&mut message), unhex(value.trim()))),
            _ => {}
        }
    }
    vectors
}

#[test]
fn messages_have_the_published_digests_on_every_backend() {
    let vectors = [vectors(SHORT), vectors(LONG)].concat();
    assert_eq!(vectors.len(), 65 + 64);
    for backend in Backend::available() {
        for (message, digest) in &vectors {
            let mut hasher = Sha256::new(backend);
            hasher.update(message).unwrap();
            assert_eq!(hasher.digest()[..], digest[..], "{}, {} bytes", backend.name(), message.len());
        }
    }
}

#[test]
fn messages_have_the_published_digests_in_the_lanes_of_every_backend() {
    let vectors = [vectors(SHORT), vectors(LONG)].concat();
    for backend in Backend::available() {
        for piece_bytes in [1, 31, 64, 200, 100_000] {
            let mut pool = SlotPool::new(backend);
            let slots = vectors.iter().map(|_| pool.open().unwrap()).collect::<Vec<_>>();
            // One piece of each message in turn, so that all of them are open at once.
            let pieces = vectors.iter().map(|(message, _)| message.chunks(piece_bytes)).collect::<Vec<_>>();
            let (mut chunk_slots, mut ends, mut data) = (Vec::new(), Vec::new(), Vec::new());
            let mut left = pieces;
            while left.iter().any(|pieces| pieces.len() > 0) {
                for (pieces, &slot) in left.iter_mut().zip(&slots) {
                    if let Some(piece) = pieces.next() {
                        data.extend_from_slice(piece);
                        chunk_slots.push(slot);
                        ends.push(data.len() as u32);
                    }
                }
            }
            pool.fold(&chunk_slots, &ends, &data).unwrap();
            let mut digests = vec![0; slots.len() * DIGEST_BYTES];
            pool.finish(&slots, &mut digests).unwrap();
            for ((message, digest), actual) in vectors.iter().zip(digests.chunks(DIGEST_BYTES)) {
                assert_eq!(actual, digest, "{}, {} bytes by {piece_bytes}", backend.name(), message.len());
            }
        }
    }
}

/// The Monte Carlo test: each digest is of the three digests before it, with 1,000 digests a checkpoint.
fn monte_carlo(mut digest_of: impl FnMut(&[u8; 96]) -> [u8; 32]) -> Vec<Vec<u8>> {
    let seed_line = MONTE.lines().find_map(|line| line.strip_prefix("Seed = ")).unwrap();
    let mut seed = unhex(seed_line);
    let checkpoints = (0..100).map(|_| {
        let mut last = seed.repeat(3);
        for _ in 0..1_000 {
            let digest = digest_of(last[..].try_into().unwrap());
            last.drain(..DIGEST_BYTES);
            last.extend_from_slice(&digest);
        }
        seed = last[2 * DIGEST_BYTES..].to_vec();
        seed.clone()
    });
    checkpoints.collect()
}

fn monte_carlo_expected() -> Vec<Vec<u8>> {
    MONTE.lines().filter_map(|line| line.strip_prefix("MD = ")).map(|digest| unhex(digest.trim())).collect()
}

#[test]
#[cfg_attr(miri, ignore = "too slow there")]
fn the_monte_carlo_test_holds_on_every_backend() {
    for backend in Backend::available() {
        let actual = monte_carlo(|message| {
            let mut hasher = Sha256::new(backend);
            hasher.update(message).unwrap();
            hasher.digest()
        });
        assert_eq!(actual, monte_carlo_expected(), "{}", backend.name());
    }
}

#[test]
#[cfg_attr(miri, ignore = "too slow there")]
fn the_monte_carlo_test_holds_in_the_lanes_of_every_backend() {
    for backend in Backend::available() {
        let mut pool = SlotPool::new(backend);
        let ends = (1..=MONTE_STREAMS).map(|stream| (stream * 96) as u32).collect::<Vec<_>>();
        let actual = monte_carlo(|message| {
            let slots = ends.iter().map(|_| pool.open().unwrap()).collect::<Vec<_>>();
            pool.fold(&slots, &ends, &message.repeat(MONTE_STREAMS)).unwrap();
            let mut digests = [0; MONTE_STREAMS * DIGEST_BYTES];
            pool.finish(&slots, &mut digests).unwrap();
            let (first, others) = digests.split_first_chunk::<DIGEST_BYTES>().unwrap();
            assert!(others.chunks(DIGEST_BYTES).all(|other| other == first), "{}", backend.name());
            *first
        });
        assert_eq!(actual, monte_carlo_expected(), "{}", backend.name());
    }
}
