#!/usr/bin/env bash
# Prints the folder of another Node's binary. npm's package `node` brings it, once, to target/node.
#
#   scripts/fetch-node.sh VERSION      20.19.0, or a major version; exits with 1 where it cannot be had, and says so
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$PWD/target/node/$1
bin=$folder/node_modules/node/bin
if ! "$bin/node" --version >/dev/null 2>&1; then
  mkdir -p "$folder"
  npm install --no-save --no-audit --no-fund --prefix "$folder" "node@$1" >"$folder/npm.txt" 2>&1 || true
fi
if ! "$bin/node" --version >/dev/null 2>&1; then
  echo "left out: Node $1 (npm cannot bring it, see $folder/npm.txt)" >&2
  exit 1
fi
echo "$bin"
