/** Commands that hash, with a backend that they are told to use. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { EXIT } from '../../core/errors.ts';
import { DEADLINE_MS, MAIN, temporaryFolder } from './test-process.ts';

const FOREIGN = process.arch === 'x64' ? 'aarch64_sha2' : 'x86_shani_x2';

export function run(
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

type CommandLine = { readonly argv: readonly string[]; readonly results: string };

/** The command lines, each with a folder in which it would leave something. */
function commandLine(t: ExecutionContext, command: string): CommandLine {
  const folder = temporaryFolder(t);
  const results = join(folder, 'results');
  const summer = ['--data', results, '--connect', `ipc://${join(folder, 'socket')}`, '--partitions', '0'];
  const flags: Readonly<Record<string, readonly string[]>> = {
    summer,
    soak: ['--results', results],
    simulate: [],
    bench: ['--suite', 'hash', '--smoke', '--results', results],
    profile: ['--component', 'summer', '--results', results],
  };
  return { argv: [command, ...(flags[command] ?? [])], results };
}

/** Expects that a backend that there is not, and one that this CPU cannot run, end the command before it begins. */
export function checkRefusals(t: ExecutionContext, command: string): void {
  const { argv, results } = commandLine(t, command);
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
  t.false(existsSync(results));
}

/** Expects that help, and the name of a wrong flag, come before the backend. */
export function checkWhatComesBefore(t: ExecutionContext, command: string): void {
  const { argv } = commandLine(t, command);
  t.is(run([...argv, '--help'], 'sha_by_hand').code, EXIT.holds);
  t.regex(run([...argv, '--nonsense'], 'sha_by_hand').stderr, /--nonsense/);
}
