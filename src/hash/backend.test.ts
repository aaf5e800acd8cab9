// The choice of the backend by the environment, each in a process of its own.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';

import test from 'ava';

import { availableBackends, selectedBackend } from './backend.ts';

const script = `
  const { selectedBackend } = await import(process.argv[1] + 'backend.js');
  const { Sha256 } = await import(process.argv[1] + 'sha256.js');
  try {
    console.log(selectedBackend(), new Sha256().update('abc').digest('hex'));
  } catch (error) {
    console.log(error.code, error.message);
  }
`;

function run(backend: string): string {
  const folder = new URL('./', import.meta.url).href;
  const env = { ...process.env, STREAM_SUM_SHA256_BACKEND: backend };
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', script, folder], { env, encoding: 'utf8' });
  return result.stdout.trim();
}

test('every backend of this CPU can be forced', (t) => {
  const digest = createHash('sha256').update('abc').digest('hex');
  for (const backend of availableBackends()) t.is(run(backend), `${backend} ${digest}`);
  t.true(availableBackends().includes(selectedBackend()));
  t.is(availableBackends()[0], 'portable');
});

test('forcing a backend that there is not is an error, and no fallback', (t) => {
  t.regex(run('sha_by_hand'), /^ERR_SHA256_BACKEND there is no backend "sha_by_hand"; this CPU can run portable/);
  const foreign = process.arch === 'x64' ? 'aarch64_sha2' : 'x86_shani_x2';
  t.regex(run(foreign), /^ERR_SHA256_BACKEND this CPU lacks the instructions of .*; it can run portable/);
});
