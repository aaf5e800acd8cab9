//! States that Go wrote resume here, and states written here resume in Go, where Go is installed.

use std::path::Path;
use std::process::Command;

use stream_sum_sha256::{Backend, Sha256};

const SUFFIX_BYTES: usize = 77;

/// The message, by the rule of golden/states.go.
fn message(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index.wrapping_mul(167) + (index >> 8) * 13 + 5) as u8).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn golden() -> Vec<(usize, String, String, String)> {
    let rows = include_str!("../golden/states.csv").lines().skip(1).map(|line| {
        let mut columns = line.split(',').map(str::to_owned);
        let mut next = || columns.next().unwrap();
        (next().parse().unwrap(), next(), next(), next())
    });
    rows.collect()
}

#[test]
fn go_and_this_crate_write_the_same_states() {
    let rows = golden();
    assert_eq!(rows.len(), 210);
    for (length, state, digest, _) in rows {
        let mut hasher = Sha256::new(Backend::selected().unwrap());
        hasher.update(&message(length)).unwrap();
        assert_eq!(hex(&hasher.serialize()), state, "length {length}");
        assert_eq!(hex(&hasher.digest()), digest, "length {length}");
    }
}

#[test]
fn states_of_go_resume_at_every_length() {
    for (length, state, digest, resumed_digest) in golden() {
        let mut hasher = Sha256::deserialize(Backend::selected().unwrap(), &unhex(&state)).unwrap();
        assert_eq!(hex(&hasher.digest()), digest, "length {length}");
        hasher.update(&message(length + SUFFIX_BYTES)[length..]).unwrap();
        assert_eq!(hex(&hasher.digest()), resumed_digest, "length {length}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn go_resumes_states_written_here() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/states.go");
    if Command::new("go").arg("version").output().is_err() {
        eprintln!("no Go on this machine: the check against it is left out");
        return;
    }
    let mut csv = String::from("length,state,digest,resumed_digest\n");
    for length in (0..400).chain((0..200).map(|step| step * 997)) {
        let whole = message(length + SUFFIX_BYTES);
        let mut hasher = Sha256::new(Backend::selected().unwrap());
        // Fed in pieces that end anywhere in a block.
        whole[..length].chunks(1 + length % 150).for_each(|piece| hasher.update(piece).unwrap());
        let (state, digest) = (hasher.serialize(), hasher.digest());
        hasher.update(&whole[length..]).unwrap();
        csv += &format!("{length},{},{},{}\n", hex(&state), hex(&digest), hex(&hasher.digest()));
    }
    let path = std::env::temp_dir().join(format!("stream-sum-states-{}.csv", std::process::id()));
    std::fs::write(&path, csv).unwrap();
    let output = Command::new("go").arg("run").arg(&script).arg("check").arg(&path).output().unwrap();
    std::fs::remove_file(&path).unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(printed.trim(), "600 states agree with Go");
}
