/** An engine and its example that do no work, and smoke runs of the pipeline suite over them. */

import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type {
  ClusterAsked,
  ClusterEngine,
  ClusterShape,
  Example,
  ExampleAsked,
} from '../../../bench/harness/engine.ts';
import { parseBenchOptions } from '../../../bench/options.ts';
import { type BenchResult, runBench } from '../../../bench/run.ts';
import { temporaryFolder } from '../../../src/cli/testing/test-process.ts';
import { DEPENDENCIES, SMOKE } from './smoke-bench.ts';

const FAKE = join(import.meta.dirname, '../../../soak/live/testing/fake-component.js');
const LAUNCH = { command: process.execPath, argv: [FAKE, '{}'] };

/** An engine whose clusters are nothing but this process, and what was done to each. */
export function fakeEngine({
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
export function fakeExample({ part = 1, end = null }: { part?: number; end?: string | null } = {}): {
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

export function nameOf({ brokers, replication, etcd }: ClusterShape): string {
  return `${brokers}-${replication}-${etcd}`;
}

/** The result of a smoke run of these benchmarks, or of all, on the engine or on the embedded broker. */
export async function run(t: ExecutionContext, only: string[], engine: ClusterEngine | null): Promise<BenchResult> {
  const flags = { ...SMOKE, firstRound: 1, results: temporaryFolder(t) };
  const options = parseBenchOptions({ ...flags, only, engine: engine === null ? 'embedded' : 'gazette' });
  return await runBench(options, { ...DEPENDENCIES, launch: LAUNCH, engine });
}
