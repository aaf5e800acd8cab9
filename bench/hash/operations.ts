// Single operations of the addon: what a call costs.

import { createHash, randomBytes } from 'node:crypto';

import { ViolationError } from '../../src/core/errors.ts';
import { HashPool } from '../../src/hash/pool.ts';
import { DIGEST_BYTES, Sha256 } from '../../src/hash/sha256.ts';
import type { Task } from '../harness/task.ts';
import { operationTask } from '../harness/timed-task.ts';

const DATA_BYTES = 65_536;

function expectEqual(what: string, actual: Uint8Array, expected: Uint8Array): void {
  if (!Buffer.from(expected).equals(actual)) throw new ViolationError('mismatched', `${what}: a wrong digest`);
}

/** The tasks, each with a separate state. */
export function operationTasks(): Task[] {
  return [foldNothing(), newHash(), update(), digestInto()];
}

function foldNothing(): Task {
  const pool = new HashPool();
  const nothing = new Uint8Array(0);
  let finished = 0;
  return operationTask({
    parameters: { operation: 'fold-empty-batch' },
    calls: 1000,
    run: () => {
      finished += pool.fold(nothing, 0, 0, nothing);
    },
    check: () => {
      if (finished !== 0 || pool.openFiles() !== 0) throw new ViolationError('phantom', 'an empty batch made a sum');
    },
  });
}

function newHash(): Task {
  let last = new Sha256();
  return operationTask({
    parameters: { operation: 'new-sha256' },
    calls: 100,
    run: () => {
      last = new Sha256();
    },
    check: () => expectEqual('new Sha256', last.digest(), createHash('sha256').digest()),
  });
}

function update(): Task {
  const data = randomBytes(DATA_BYTES);
  const hash = new Sha256();
  return operationTask({
    parameters: { operation: 'update', bytes: DATA_BYTES },
    calls: 1,
    run: () => {
      hash.update(data);
    },
    check: () => {
      const expected = createHash('sha256');
      for (let fed = 0; fed < hash.byteCount; fed += DATA_BYTES) expected.update(data);
      expectEqual('Sha256.update', hash.digest(), expected.digest());
    },
  });
}

function digestInto(): Task {
  const hash = new Sha256().update('abc');
  const digest = new Uint8Array(DIGEST_BYTES);
  return operationTask({
    parameters: { operation: 'digest-into' },
    calls: 1000,
    run: () => hash.digestInto(digest),
    check: () => expectEqual('Sha256.digestInto', digest, createHash('sha256').update('abc').digest()),
  });
}
