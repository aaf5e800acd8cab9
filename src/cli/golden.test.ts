/**
 * What the command line prints, kept as files that are reviewed when they change: `testing/golden/*.txt`.
 * STREAM_SUM_WRITE_GOLDEN=1 writes them anew.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { TestProcess } from './testing/test-process.ts';

/** In the sources, because the compiled tests have no texts beside them. */
const GOLDEN = join(import.meta.dirname, '../../../src/cli/testing/golden');
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
const MISTAKES: readonly (readonly string[])[] = [
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

function golden(t: ExecutionContext, name: string, text: string): void {
  const path = join(GOLDEN, `${name}.txt`);
  if (IS_WRITING) {
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(path, text);
  }
  t.is(text, readFileSync(path, 'utf8'), `${path}; if this is meant, run this test with STREAM_SUM_WRITE_GOLDEN=1`);
}

async function said(
  t: ExecutionContext,
  argv: readonly string[],
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: readonly string[] }> {
  const command = new TestProcess(t, argv);
  const { code, signal } = await command.exit();
  t.is(signal, null, argv.join(' '));
  return { code, stdout: command.stdout.join('\n'), stderr: command.stderr };
}

test.serial(
  'help is what was agreed on, of the program and of every command, in lines of at most 110 columns',
  async (t) => {
    const texts: string[] = [];
    for (const argv of [[], ['--help'], ['help'], ...COMMANDS.map((command) => [...command.split(' '), '--help'])]) {
      const { code, stdout, stderr } = await said(t, argv);
      t.is(code, 0, argv.join(' '));
      t.deepEqual(stderr, []);
      const text = stdout.replaceAll(`threads (default: ${availableParallelism()})`, 'threads (default: CORES)');
      texts.push(`$ stream-sum ${argv.join(' ')}\n${text}\n`);
    }
    t.is(texts[0]?.split('\n').slice(1).join('\n'), texts[1]?.split('\n').slice(1).join('\n'), 'alone it helps');
    golden(t, 'help', texts.slice(1).join('\n'));
  },
);

test.serial('every mistake is one line on stderr that names it, and exit 2', async (t) => {
  const lines: string[] = [];
  for (const argv of MISTAKES) {
    const { code, stdout, stderr } = await said(t, argv);
    const shown = argv.map((word) => word.replaceAll(NOTHING, 'NOTHING')).join(' ');
    t.is(code, 2, shown);
    t.is(stdout, '', shown);
    t.is(stderr.length, 1, `${shown}: ${stderr.join('\n')}`);
    lines.push(`$ stream-sum ${shown}\n${(stderr[0] ?? '').replaceAll(NOTHING, 'NOTHING')}\n`);
  }
  golden(t, 'mistakes', lines.join('\n'));
});

test.serial('the version is that of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(join(GOLDEN, '../../../../package.json'), 'utf8')) as { version: string };
  t.is((await said(t, ['--version'])).stdout, version);
});
