/** A broker, two summers and two chunkers that are killed and started again, alone and together. */

import type { ExecutionContext } from 'ava';
import type { TestProcess } from '../../../src/cli/testing/test-process.ts';
import { Prng } from '../../../src/core/prng.ts';
import { testSeed } from '../../../src/journal/testing/seed.ts';
import { Pipeline, drained, faultsIn, producerOf } from './pipeline.ts';

const CHUNKERS = 2;
export const START_ORDER = ['broker', 'summer-0', 'summer-1', 'chunker-0', 'chunker-1'] as const;

type Name = (typeof START_ORDER)[number];

/** What is killed together. */
const TARGETS: readonly (readonly Name[])[] = [
  ['broker'],
  ['summer-0'],
  ['summer-1'],
  ['summer-0', 'summer-1'],
  ['chunker-0'],
  ['chunker-1'],
  ['broker', 'summer-0'],
  START_ORDER,
];

export class Fleet {
  readonly #pipeline: Pipeline;
  readonly #running = new Map<Name, TestProcess>();

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  get(name: Name): TestProcess {
    const process = this.#running.get(name);
    if (process === undefined) throw new Error(`${name} does not run`);
    return process;
  }

  async start(name: Name): Promise<void> {
    this.#running.set(name, await this.#started(name));
  }

  async #started(name: Name): Promise<TestProcess> {
    const number = Number(name.slice(-1));
    if (name === 'broker') return this.#pipeline.broker();
    if (name.startsWith('summer')) return this.#pipeline.summer(name, { partitions: number === 0 ? '0-1' : '2-3' });
    return this.#pipeline.chunker(name, { number, rate: '500', seed: 5 });
  }

  /** Kills all of them at once and starts them again. */
  async kill(names: readonly Name[]): Promise<void> {
    for (const name of names) {
      const { isOver, argv, lastMessage } = this.get(name);
      if (isOver) throw new Error(`it had ended by itself: ${argv.join(' ')}: ${lastMessage}`);
    }
    await Promise.all(names.map((name) => this.get(name).kill()));
    for (const name of START_ORDER) if (names.includes(name)) await this.start(name);
  }
}

/** Resolves when the chunker has verified one more sum. */
export async function verifiesMore(chunker: TestProcess): Promise<void> {
  const verified = await chunker.progress((event) => (event.component === 'chunker' ? event.sumsVerified : undefined));
  await chunker.progress((event) =>
    event.component === 'chunker' && event.sumsVerified > verified ? true : undefined,
  );
}

/**
 * Kills these in turn, and then so many `more` of them, at random moments. Then every file has exactly one right sum.
 */
export async function surviveKills(
  t: ExecutionContext,
  { targets = TARGETS, more = 0 }: { targets?: readonly (readonly Name[])[]; more?: number } = {},
): Promise<void> {
  const prng = Prng.fromSeed(testSeed(t));
  const pipeline = new Pipeline(t, 4);
  const fleet = new Fleet(pipeline);
  for (const name of START_ORDER) await fleet.start(name);
  for (let kill = 0; kill < targets.length + more; kill += 1) {
    await verifiesMore(fleet.get(prng.below(CHUNKERS) === 0 ? 'chunker-0' : 'chunker-1'));
    const target = targets[kill < targets.length ? kill : prng.below(targets.length)] ?? START_ORDER;
    t.log(`kill ${kill}: ${target.join(' ')}`);
    await fleet.kill(target);
  }
  const chunkers = [fleet.get('chunker-0'), fleet.get('chunker-1')];
  const producers = await Promise.all(chunkers.map(producerOf));
  for (const chunker of chunkers) chunker.command({ command: 'drain' });
  const results = await Promise.all(chunkers.map(drained));
  const sums = await pipeline.sums();
  for (const [number, { files }] of results.entries()) {
    t.true(files > 0);
    const workload = pipeline.workload({ seed: 5, number });
    t.deepEqual(faultsIn(sums, { producer: producers[number] ?? '', files, workload }), []);
  }
  const others = sums.filter(({ fileId }) => !producers.some((producer) => fileId.startsWith(producer)));
  t.deepEqual(others, []);
}
