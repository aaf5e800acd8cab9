// The pipeline suite of an engine that is a cluster: over components and a cluster that do no work.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { judge } from '../../bench/compare/testing/judging.ts';
import type { ClusterAsked, ClusterEngine, ClusterShape, Example, ExampleAsked } from '../../bench/harness/engine.ts';
import { parseBenchOptions } from '../../bench/options.ts';
import { type BenchResult, runBench } from '../../bench/run.ts';
import { benchTables } from '../../bench/tables.ts';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { EXIT, OperatingError } from '../../src/core/errors.ts';
import { readCsv } from '../../src/results/csv.ts';

const FAKE = join(import.meta.dirname, '../../soak/live/testing/fake-component.js');
const DEPENDENCIES = {
  launch: { command: process.execPath, argv: [FAKE, '{}'] },
  progress: { update: () => undefined, say: () => undefined, done: () => undefined },
  versions: { zeromq: null, libzmq: null, lmdb: null, addonBackend: null },
  sourceRoot: '/',
  signal: new AbortController().signal,
  commandLine: ['bench'],
};

/** An engine whose clusters are nothing but this process, and what was done to each. */
function fakeEngine({
  onStarted = () => undefined,
  example = { missing: 'no program' },
}: {
  onStarted?: (asked: ClusterAsked) => void;
  example?: ClusterEngine['example'];
} = {}): {
  readonly engine: ClusterEngine;
  readonly log: string[];
} {
  const log: string[] = [];
  const engine: ClusterEngine = {
    name: 'gazette',
    programs: { etcd: '00', gazette: '11' },
    example,
    start: async (asked) => {
      log.push(`start ${nameOf(asked.shape)} for ${asked.clients.join(' ')}`);
      onStarted(asked);
      return {
        members: ['broker-1', 'etcd-1'].map((name) => ({ name, pid: process.pid })),
        flagsOf: (name) => ({ journals: `of-${name}`, etcd: 'none' }),
        withinOf: () => [],
        killBroker: async () => void log.push('kill a broker'),
        stop: async () => void log.push('stop'),
      };
    },
  };
  return { engine, log };
}

/** An example that folds a tenth of `part` of its load from look to look, and then ends. */
function fakeExample({ part = 1, end = null }: { part?: number; end?: string | null } = {}): {
  readonly example: Example;
  readonly asked: ExampleAsked[];
  readonly log: string[];
} {
  const [asked, log]: [ExampleAsked[], string[]] = [[], []];
  const start: Example['start'] = async (given) => {
    asked.push(given);
    const { workers, streams, chunks } = given.load;
    let resolve: ((end: string | null) => void) | null = null;
    const ended = new Promise<string | null>((found) => (resolve = found));
    let looks = 0;
    return {
      processes: ['summer-0', 'chunker-0', 'broker-1'].map((name) => ({ name, pid: process.pid })),
      folded: async () => {
        looks += 1;
        if (looks === 10) resolve?.(end);
        return Math.round((workers * streams * (chunks + 1) * part * Math.min(looks, 10)) / 10);
      },
      ended,
      stop: async () => void log.push('stop'),
    };
  };
  return { example: { name: 'gazette-example', start }, asked, log };
}

function nameOf({ brokers, replication, etcd }: ClusterShape): string {
  return `${brokers}-${replication}-${etcd}`;
}

function sorted(list: readonly string[]): string[] {
  return list.toSorted((a, b) => a.localeCompare(b));
}

/** Among the parameters of a row. */
function on(replication: number): string {
  return `engine=gazette replication=${replication}`;
}

async function run(t: ExecutionContext, only: string[], engine: ClusterEngine | null): Promise<BenchResult> {
  const flags = { suite: ['pipeline'], smoke: true, firstRound: 1, seed: 7, results: temporaryFolder(t) } as const;
  const options = parseBenchOptions({ ...flags, only, engine: engine === null ? 'embedded' : 'gazette' });
  return await runBench(options, { ...DEPENDENCIES, engine });
}

test('each row names the engine and the replicas, and each pipeline has a separate cluster', async (t) => {
  const { engine, log } = fakeEngine();
  const { folder, files } = await run(t, [], engine);
  const names = readCsv(join(folder, 'samples.csv')).map(({ benchmark, parameters = '' }) =>
    `${benchmark} ${parameters}`.replace(/ process=\S+/, ''),
  );
  const expected = [
    ...[1, 3].flatMap((replication) => [
      `throughput chunk_bytes=32 batch_bytes=1048576 ${on(replication)}`,
      `latency rate=2000 chunk_bytes=32 ${on(replication)}`,
      `recovery fault=kill-summer rate=20000 chunk_bytes=32 ${on(replication)}`,
    ]),
    `recovery fault=kill-broker rate=20000 chunk_bytes=32 ${on(3)}`,
  ];
  t.deepEqual(sorted([...new Set(names)]), sorted(expected));
  t.is(log.filter((line) => line === 'start 1-1-1 for summer-0 chunker-0').length, 3);
  t.is(log.filter((line) => line === 'start 3-3-3 for summer-0 chunker-0').length, 4);
  t.is(log.filter((line) => line === 'stop').length, 7);
  t.is(log.filter((line) => line === 'kill a broker').length, 1);
  const { configuration } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
  t.is(configuration.engine.name, 'gazette');
  t.deepEqual(configuration.engine.programs, { etcd: '00', gazette: '11' });
  t.deepEqual(configuration.engine.clusters[1], { brokers: 3, replication: 3, etcd: 3 });
  t.is(configuration.workload.recovery.slaMs, 90_000);
  t.false(existsSync(join(folder, 'data')));
  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  t.true(page.includes(on(1)) && page.includes(on(3)));
  t.true(benchTables(files.samples, []).some((line) => /CPU-s\/M.*broker.*etcd.*summers/.test(line)));
});

test('the CPU time of all counts the members of the cluster, and their journals have no file that grows', async (t) => {
  const { engine } = fakeEngine();
  const { files } = await run(t, ['throughput'], engine);
  const rows = files.samples.filter(({ parameters }) => parameters.includes('replication=1'));
  const cpu = new Map(
    rows
      .filter(({ metric }) => metric === 'cpu_s_per_million_chunks')
      .map(({ parameters, value }) => [parameters.match(/process=(\S+)/)?.[1] ?? '', value ?? 0]),
  );
  const { all = 0, ...parts } = Object.fromEntries(cpu);
  t.deepEqual(
    Object.keys(parts).toSorted((a, b) => a.localeCompare(b)),
    ['broker-1', 'chunker-0', 'etcd-1', 'summer-0'],
  );
  const sum = Object.values(parts).reduce((before, value) => before + value, 0);
  t.true(Math.abs(all - sum) <= 1e-9 * sum, `${all} is ${sum}`);
  t.false(rows.some(({ metric }) => metric === 'journal_growth_per_payload_byte'));
  t.false(files.remarks.some((line) => line.includes('reused its pages') || line.includes('still grew')));
});

test('a row of an engine is not compared with a row of another, and its runs are with each other', async (t) => {
  const { engine } = fakeEngine();
  const only = ['throughput'];
  const embedded = await run(t, only, null);
  const [first, second] = [await run(t, only, engine), await run(t, only, engine)];
  const different = judge([embedded.folder], [first.folder]);
  t.deepEqual(different.comparison.rows, []);
  t.true(different.comparison.differences.some(({ name }) => name === 'configuration.engine'));
  t.is(different.allowed.exitCode, EXIT.inconclusive, 'also where a gate may compare different configurations');
  const alike = judge([first.folder], [second.folder]);
  t.deepEqual(alike.comparison.differences, []);
  t.true(alike.comparison.rows.length > 0);
  t.true(alike.comparison.rows.every(({ parameters }) => parameters.includes('engine=gazette')));
});

test('a member that ends by itself ends the run, which says so, and the cluster is stopped', async (t) => {
  const { engine, log } = fakeEngine({ onStarted: ({ onEnded }) => onEnded('etcd-1 was killed by SIGSEGV') });
  await t.throwsAsync(run(t, ['throughput'], engine), {
    instanceOf: OperatingError,
    message: 'etcd-1 was killed by SIGSEGV',
  });
  t.is(log.at(-1), 'stop');
});

test('without its programs the example of the engine is left out by name', async (t) => {
  const { engine } = fakeEngine();
  const { run: described, files } = await run(t, ['throughput'], engine);
  t.is(described.verdict, 'HOLDS');
  t.true(
    described.remarks?.includes('pipeline throughput program=gazette-example engine=gazette: left out: no program'),
  );
  t.false(files.samples.some(({ parameters }) => parameters.includes('program=')));
  const { files: others } = await run(t, ['recovery'], engine);
  t.false(
    others.remarks.some((line) => line.includes('left out')),
    'a row that nobody asked for is not left out',
  );
});

test('the example of the engine has rows with its own name on each cluster', async (t) => {
  const { example, asked, log } = fakeExample();
  const { files } = await run(t, ['throughput'], fakeEngine({ example }).engine);
  const rows = files.samples.filter(({ parameters }) => parameters.includes('program=gazette-example '));
  for (const replication of [1, 3]) {
    const own = rows.filter(({ parameters }) => parameters.includes(on(replication)));
    const valueOf = (metric: string, process = ''): number =>
      own.find((row) => row.metric === metric && row.parameters.endsWith(process))?.value ?? 0;
    t.true(valueOf('chunks_per_s') > 0);
    t.is(Math.round(valueOf('bytes_per_s') / valueOf('chunks_per_s')), 32);
    for (const process of ['summer-0', 'chunker-0', 'broker-1']) {
      t.true(
        own.some(({ parameters }) => parameters.endsWith(`process=${process}`)),
        process,
      );
    }
    t.true(own.some(({ metric, parameters }) => metric.startsWith('cpu_s') && parameters.endsWith('process=all')));
  }
  t.deepEqual(
    asked.map(({ shape }) => nameOf(shape)).toSorted((a, b) => a.localeCompare(b)),
    ['1-1-1', '3-3-3'],
  );
  t.deepEqual(log, ['stop', 'stop']);
  t.true(asked.every(({ dataFolder }) => !existsSync(dataFolder)));
});

test('a chunker of the example that fails ends the run, which says so, and the example is stopped', async (t) => {
  const { example, log } = fakeExample({ end: 'chunker-0 of the example exited with 1; mis-matched sum!' });
  await t.throwsAsync(run(t, ['throughput'], fakeEngine({ example }).engine), {
    instanceOf: OperatingError,
    message: /exited with 1; mis-matched sum!/,
  });
  t.deepEqual(log, ['stop']);
});

test('an example that counts more chunks than it was given has no row', async (t) => {
  const { example } = fakeExample({ part: 1.1 });
  await t.throwsAsync(run(t, ['throughput'], fakeEngine({ example }).engine), {
    instanceOf: OperatingError,
    message: /folded \d+ chunks and ends of streams instead of \d+$/,
  });
});
