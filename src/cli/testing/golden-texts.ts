/**
 * What the command line prints, kept as files that are reviewed when they change: `golden/*.txt`.
 * STREAM_SUM_WRITE_GOLDEN=1 writes them anew.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { EXIT } from '../../core/errors.ts';
import { TestProcess } from './test-process.ts';

/** In the sources, because the compiled tests have no texts beside them. */
const GOLDEN = join(import.meta.dirname, '../../../../src/cli/testing/golden');
const IS_WRITING = process.env['STREAM_SUM_WRITE_GOLDEN'] === '1';

const COMMANDS = [
  'soak',
  'simulate',
  'detect',
  'explain',
  'audit',
  'report',
  'bench',
  'profile',
  'compare',
  'cluster',
  'cluster build',
  'cluster up',
  'broker',
  'summer',
  'chunker',
  'retire',
] as const;

/** A path at which nothing exists. */
const NOTHING = join(tmpdir(), 'stream-sum-test-nothing-is-here');

/** Each command without options, where it needs some, and with what a tired user types. */
export const MISTAKES: readonly (readonly string[])[] = [
  ['sok'],
  ['help', 'sok'],
  ['--verson'],
  ...['broker', 'summer', 'chunker', 'retire', 'report', 'profile', 'compare'].map((command) => [command]),
  ['soak', '--durtion', '3s'],
  ['soak', '--duration'],
  ['soak', '--duration', '3'],
  ['soak', '--faults', 'kil'],
  ['soak', '--duration', '12s', '--rate', '3'],
  ['soak', '--chunk-bytes', '1MiB'],
  ['soak', '--duration', '2s'],
  ['soak', 'now'],
  ['soak', '--expect', 'p98<50ms'],
  ['soak', '--expect', 'p99<50'],
  ['soak', '--junit', `${NOTHING}/junit.xml`],
  ['simulate', '--seed', '-1'],
  ['simulate', '--workload', 'uniforn'],
  ['simulate', '--trace', 'x.html'],
  ['detect', '--mutant', 'no-such-bug'],
  ['explain'],
  ['explain', NOTHING],
  ['audit'],
  ['audit', NOTHING],
  ['explain', '--seed', '1', '--mutant', 'no-such-bug'],
  ['explain', '--seed', '1', '--around', '12.5'],
  ['report', NOTHING],
  ['bench', '--only', 'foo'],
  ['bench', '--suite', 'hsah'],
  ['bench', '--against', 'HEAD', '--rounds', '4'],
  ['profile', '--component', 'sumer'],
  ['compare', NOTHING, NOTHING],
  ['broker', '--dta', 'x', '--listen', 'y'],
  ['broker', '--data', NOTHING, '--listen', 'ipc://*'],
  ['broker', '--data', NOTHING, '--listen', 'tcp://127.0.0.1:0'],
  ['chunker', '--data', NOTHING, '--connect', 'ipc:///proc/x'],
  ['summer', '--data', NOTHING, '--connect', `ipc://${NOTHING}`, '--partitions', '7-0'],
  ['retire', '--connect', `ipc://${NOTHING}`, '--producer', '12'],
  ['chunker', '--data', NOTHING, '--journals', 'http://127.0.0.1:1', '--etcd', 'http://127.0.0.1:2'],
  ['chunker', '--data', NOTHING, '--journals', 'gazette+http://127.0.0.1:1'],
  ['summer', '--data', NOTHING, '--partitions', '0', '--journals', 'gazette+http://127.0.0.1:1', '--etcd', 'x'],
  [
    'summer',
    '--data',
    NOTHING,
    '--partitions',
    '0',
    '--connect',
    `ipc://${NOTHING}`,
    '--journals',
    'gazette+http://x:1',
  ],
  ['cluster', 'up', '--brokers', '2', '--replication', '3'],
  ['cluster', 'up', '--bin', NOTHING],
];

/** What asks for help: of the program in three ways, and then of every command. */
export const HELPS: readonly (readonly string[])[] = [
  [],
  ['--help'],
  ['help'],
  ...COMMANDS.map((command) => [...command.split(' '), '--help']),
];

export type Said = {
  readonly argv: readonly string[];
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: readonly string[];
};

/** Runs a command line in a process of its own. */
export async function said(t: ExecutionContext, argv: readonly string[]): Promise<Said> {
  const command = new TestProcess(t, argv);
  const { code, signal } = await command.exit();
  t.is(signal, null, argv.join(' '));
  return { argv, code, stdout: command.stdout.join('\n'), stderr: command.stderr };
}

function golden(t: ExecutionContext, name: string, text: string): void {
  const path = join(GOLDEN, `${name}.txt`);
  if (IS_WRITING) {
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(path, text);
  }
  t.is(text, readFileSync(path, 'utf8'), `${path}; if this is meant, run this test with STREAM_SUM_WRITE_GOLDEN=1`);
}

/** `all`: what was said to each of `HELPS`. */
export function checkHelps(t: ExecutionContext, all: readonly Said[]): void {
  const texts = all.map(({ argv, code, stdout, stderr }) => {
    t.is(code, EXIT.holds, argv.join(' '));
    t.deepEqual(stderr, []);
    const text = stdout.replaceAll(`threads (default: ${availableParallelism()})`, 'threads (default: CORES)');
    return `$ stream-sum ${argv.join(' ')}\n${text}\n`;
  });
  t.is(texts[0]?.split('\n').slice(1).join('\n'), texts[1]?.split('\n').slice(1).join('\n'), 'alone it helps');
  golden(t, 'help', texts.slice(1).join('\n'));
}

/** One line on stderr that names the mistake, nothing on stdout, and exit 2. Returns them as the golden text does. */
export function checkMistake(t: ExecutionContext, { argv, code, stdout, stderr }: Said): string {
  const shown = argv.map((word) => word.replaceAll(NOTHING, 'NOTHING')).join(' ');
  t.is(code, EXIT.usage, shown);
  t.is(stdout, '', shown);
  t.is(stderr.length, 1, `${shown}: ${stderr.join('\n')}`);
  return `$ stream-sum ${shown}\n${(stderr[0] ?? '').replaceAll(NOTHING, 'NOTHING')}\n`;
}

/** `all`: what was said to each of `MISTAKES`. */
export function checkMistakes(t: ExecutionContext, all: readonly Said[]): void {
  golden(t, 'mistakes', all.map((each) => checkMistake(t, each)).join('\n'));
}

/** Whether the golden text has this, as `checkMistake` returns it. */
export function isGoldenMistake(text: string): boolean {
  return readFileSync(join(GOLDEN, 'mistakes.txt'), 'utf8').includes(text);
}

export function packageVersion(): string {
  const text = readFileSync(join(GOLDEN, '../../../../package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
