/** The program that runs when something is measured, for its run.json. */

import { fileURLToPath } from 'node:url';
import { selectedBackend } from '../src/hash/backend.ts';
import { packageVersion } from '../src/results/environment.ts';
import type { Program } from '../src/results/run-folder.ts';
import { libzmqVersion } from '../src/transport/zeromq-link.ts';

/** `dist/bench/` is two folders below the root of the package. */
const SOURCE_ROOT = fileURLToPath(new URL('../..', import.meta.url));

export function thisProgram(): Program {
  return {
    versions: {
      zeromq: packageVersion('zeromq', import.meta.url),
      libzmq: libzmqVersion,
      lmdb: packageVersion('lmdb', import.meta.url),
      addonBackend: selectedBackend(),
    },
    sourceRoot: SOURCE_ROOT,
    commandLine: process.argv.slice(2),
  };
}
