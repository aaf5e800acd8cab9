#!/usr/bin/env bash
# Checks of the native crates for which a stable Rust is not enough: another processor's backend, Miri, fuzzing. Each
# runs where what it needs is there already, else one line says that it is left out. Nothing is installed.
#
#   scripts/native-checks.sh [SECONDS]      seconds of fuzzing for each target, 5 by default
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTUP_AUTO_INSTALL=0
seconds=${1:-5}

left_out() {
  echo "left out: $1 ($2)"
}

# The first toolchain, as an argument of cargo and rustc, that has the standard library of a target.
toolchain_for() {
  local toolchain libraries
  for toolchain in +stable +nightly; do
    libraries=$(rustc "$toolchain" --print target-libdir --target "$1" 2>/dev/null) || continue
    if [[ -n $(find "$libraries" -name 'libstd-*' 2>/dev/null) ]]; then
      echo "$toolchain"
      return
    fi
  done
}

check_target() {
  local toolchain
  toolchain=$(toolchain_for "$1")
  if [[ -z $toolchain ]]; then
    left_out "cargo check --target $1" 'no standard library of that target'
    return
  fi
  echo "# cargo $toolchain check --target $1"
  cargo "$toolchain" check --locked --package stream-sum-sha256 --all-targets --target "$1"
}

# What has no intrinsics: Miri's processor has none of the extensions, so that all runs on `portable`. The tests of
# memory are left out: they fill megabytes, which takes Miri hours.
run_miri() {
  if ! cargo +nightly miri --version >/dev/null 2>&1; then
    left_out Miri 'no nightly toolchain with the component miri'
  elif [[ ! -d $(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library ]]; then
    left_out Miri 'the nightly toolchain has no component rust-src'
  else
    echo '# Miri'
    XDG_CACHE_HOME=$PWD/target/cache cargo +nightly miri test --locked --package stream-sum-sha256 --lib --test backends
  fi
}

# What cargo-fuzz does, without it: libFuzzer with coverage, comparisons and the address sanitizer.
run_fuzzers() {
  local manifest=native/fuzz/Cargo.toml target_folder=$PWD/target/fuzz host target runs
  if ! host=$(rustc +nightly -vV 2>/dev/null | sed -n 's/^host: //p') || [[ -z $host ]]; then
    left_out fuzzing 'no nightly toolchain'
  elif [[ $host != *-linux-gnu && $host != *-apple-darwin ]]; then
    left_out fuzzing "no address sanitizer on $host"
  elif ! command -v c++ >/dev/null; then
    left_out fuzzing 'no C++ compiler'
  elif ! cargo +nightly fetch --quiet --locked --manifest-path "$manifest" 2>/dev/null; then
    left_out fuzzing 'its crates cannot be fetched'
  else
    echo "# fuzzing, $seconds s a target"
    CARGO_TARGET_DIR=$target_folder RUSTFLAGS="$(printf '%s ' -Cpasses=sancov-module -Zsanitizer=address \
      -Cdebug-assertions -Cllvm-args=-sanitizer-coverage-{level=4,inline-8bit-counters,pc-table,trace-compares})" \
      cargo +nightly build --release --locked --manifest-path "$manifest" --target "$host"
    for target in batch state page slots flood; do
      "$target_folder/$host/release/$target" -max_total_time="$seconds" -print_final_stats=1 \
        -artifact_prefix="$target_folder/$target-" >"$target_folder/$target.log" 2>&1 ||
        { cat "$target_folder/$target.log"; return 1; }
      runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$target_folder/$target.log")
      echo "$target: $runs runs, nothing found"
    done
  fi
}

check_target aarch64-unknown-linux-gnu
# Each uses little more than one core, so they run beside each other. What Miri says is shown when both have ended.
mkdir -p target
run_miri >target/miri.log 2>&1 &
miri=$!
run_fuzzers &
status=0
wait $! || status=$?
wait "$miri" || status=$?
cat target/miri.log
exit "$status"
