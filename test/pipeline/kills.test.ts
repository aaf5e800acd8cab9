import { fileURLToPath } from 'node:url';
import test from 'ava';
import { DEADLINE_MS, TestProcess, stateOf, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { EXIT } from '../../src/core/errors.ts';
import { Prng } from '../../src/core/prng.ts';
import { testSeed } from '../../src/journal/testing/seed.ts';
import { Pipeline, drained, faultsIn, producerOf } from './testing/pipeline.ts';

const PARENT = fileURLToPath(new URL('./testing/parent.js', import.meta.url));
const KILLS = 15;
const CHUNKERS = 2;
const START_ORDER = ['broker', 'summer-0', 'summer-1', 'chunker-0', 'chunker-1'] as const;

type Name = (typeof START_ORDER)[number];

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

class Fleet {
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
    return this.#pipeline.chunker(name, { number, rate: '2000', seed: 5 });
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
async function verifiesMore(chunker: TestProcess): Promise<void> {
  const verified = await chunker.progress((event) => (event.component === 'chunker' ? event.sumsVerified : undefined));
  await chunker.progress((event) =>
    event.component === 'chunker' && event.sumsVerified > verified ? true : undefined,
  );
}

test.serial('whatever is killed and however often, every file gets exactly one right sum', async (t) => {
  const prng = Prng.fromSeed(testSeed(t));
  const pipeline = new Pipeline(t, 4);
  const fleet = new Fleet(pipeline);
  for (const name of START_ORDER) await fleet.start(name);
  for (let kill = 0; kill < KILLS; kill += 1) {
    await verifiesMore(fleet.get(prng.below(CHUNKERS) === 0 ? 'chunker-0' : 'chunker-1'));
    // Each kind once, then any.
    const target = TARGETS[kill < TARGETS.length ? kill : prng.below(TARGETS.length)] ?? START_ORDER;
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
});

test.serial('SIGTERM ends every component with 0, and started again they continue', async (t) => {
  const pipeline = new Pipeline(t, 4);
  const fleet = new Fleet(pipeline);
  for (const name of START_ORDER) await fleet.start(name);
  await verifiesMore(fleet.get('chunker-0'));
  const producer = await producerOf(fleet.get('chunker-0'));
  for (const name of START_ORDER.toReversed()) {
    const process = fleet.get(name);
    await process.signal('SIGTERM');
    t.deepEqual(await process.exit(), { code: EXIT.holds, signal: null }, `${name}: ${process.lastMessage}`);
    t.like(process.events.at(-1), { event: 'stopped', reason: 'SIGTERM' });
  }
  for (const name of START_ORDER) await fleet.start(name);
  const chunker = fleet.get('chunker-0');
  t.like(await chunker.ready(), { producer, resumed: true });
  chunker.command({ command: 'drain' });
  const { files } = await drained(chunker);
  const workload = pipeline.workload({ seed: 5, number: 0 });
  t.deepEqual(faultsIn(await pipeline.sums(), { producer, files, workload }), []);
});

test.serial('kill -9 of the parent leaves no component behind', async (t) => {
  const parent = new TestProcess(t, [temporaryFolder(t)], { script: PARENT });
  await parent.lines((lines) => lines.length > 0);
  const pids = JSON.parse(parent.stdout[0] ?? '[]') as number[];
  t.is(pids.length, 3);
  t.teardown(() => {
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  t.true(pids.every(isAlive));
  parent.child.kill('SIGKILL');
  const deadline = Date.now() + DEADLINE_MS;
  while (pids.some(isAlive) && Date.now() < deadline) await new Promise(setImmediate);
  t.deepEqual(pids.filter(isAlive), []);
});

/** A zombie that nobody has waited for is not alive. */
function isAlive(pid: number): boolean {
  return !['', 'Z', 'X'].includes(stateOf(pid));
}
