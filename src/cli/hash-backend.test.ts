/** A backend that this machine cannot run, forced on real processes: one line, exit 2, and nothing was begun. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EXIT } from '../core/errors.ts';
import { DEADLINE_MS, MAIN, temporaryFolder } from './testing/test-process.ts';

const FOREIGN = process.arch === 'x64' ? 'aarch64_sha2' : 'x86_shani_x2';

function run(
  argv: readonly string[],
  backend: string,
): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
  const env = { ...process.env, STREAM_SUM_SHA256_BACKEND: backend };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...argv], {
    env,
    encoding: 'utf8',
    timeout: DEADLINE_MS,
  });
  return { code: status, stdout, stderr };
}

function commandLines(t: ExecutionContext): { readonly results: string; readonly commands: readonly string[][] } {
  const folder = temporaryFolder(t);
  const results = join(folder, 'results');
  const summer = ['--data', results, '--connect', `ipc://${join(folder, 'socket')}`, '--partitions', '0'];
  return {
    results,
    commands: [
      ['summer', ...summer],
      ['soak', '--results', results],
      ['simulate'],
      ['bench', '--suite', 'hash', '--smoke', '--results', results],
      ['profile', '--component', 'summer', '--results', results],
    ],
  };
}

test('every command that hashes refuses an unknown or unsupported backend with one line and exit 2', (t) => {
  const { results, commands } = commandLines(t);
  for (const argv of commands) {
    for (const [backend, said] of [
      ['sha_by_hand', 'there is no backend "sha_by_hand"; this CPU can run portable'],
      [FOREIGN, `this CPU lacks the instructions of ${FOREIGN}; it can run portable`],
    ] as const) {
      const { code, stdout, stderr } = run(argv, backend);
      t.is(code, EXIT.usage, `${argv.join(' ')}\n${stderr}`);
      t.regex(stderr, /^[^\n]+\n$/);
      t.true(stderr.startsWith(`stream-sum: STREAM_SUM_SHA256_BACKEND: ${said}`), stderr);
      t.is(stdout, '');
    }
  }
  t.false(existsSync(results));
});

test('help, and a flag that is wrong as well, come before the backend', (t) => {
  for (const argv of commandLines(t).commands) {
    t.is(run([...argv, '--help'], 'sha_by_hand').code, EXIT.holds);
    t.regex(run([...argv, '--nonsense'], 'sha_by_hand').stderr, /--nonsense/);
  }
});

test('a backend that this CPU has hashes, and the run says which it was', (t) => {
  const results = join(temporaryFolder(t), 'results');
  const { code, stderr } = run(['bench', '--suite', 'hash', '--smoke', '--results', results], 'portable');
  t.is(code, EXIT.holds, stderr);
  const [folder = ''] = readdirSync(results);
  t.regex(readFileSync(join(results, folder, 'run.json'), 'utf8'), /"addonBackend": ?"portable"/);
});
