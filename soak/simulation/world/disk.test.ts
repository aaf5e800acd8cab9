import test from 'ava';
import fc from 'fast-check';
import { Prng } from '../../../src/core/prng.ts';
import type { Range, Store, Write } from '../../../src/store/store.ts';
import { MemoryStore } from '../../../src/store/testing/memory-store.ts';
import { Disk, SimulatedStore } from './disk.ts';
import { Incarnation } from './incarnation.ts';
import { Kernel } from './kernel.ts';

const DURABLE_NS = 100;
const KNOWN_NS = 50;

function timing(): { durableNs: number; knownNs: number } {
  return { durableNs: DURABLE_NS, knownNs: KNOWN_NS };
}

function scene(): { kernel: Kernel; disk: Disk; incarnation: Incarnation; store: SimulatedStore; errors: unknown[] } {
  const errors: unknown[] = [];
  const kernel = new Kernel(0, (error) => errors.push(error));
  const disk = new Disk('/disk', () => {});
  const incarnation = new Incarnation({
    name: 'process',
    number: 1,
    kernel,
    onError: (error) => errors.push(error),
    onEnd: () => {},
  });
  const store = new SimulatedStore({ disk, incarnation, kernel, timing: { prng: Prng.fromSeed(1), next: timing } });
  return { kernel, disk, incarnation, store, errors };
}

const KEY = Buffer.from('key');

function put(text: string): Write[] {
  return [{ table: 'rows', key: KEY, value: Buffer.from(text) }];
}

async function run(kernel: Kernel): Promise<void> {
  await kernel.run(() => false);
}

test('a commit becomes visible when it is durable, and known after that', async (t) => {
  const { kernel, store } = scene();
  const seen: string[] = [];
  const look = (when: string): number => seen.push(`${kernel.nowNs} ${when}: ${store.get('rows', KEY)?.toString()}`);
  void store.commit(put('one')).then(() => look('known'));
  for (const atNs of [DURABLE_NS - 1, DURABLE_NS]) kernel.after(atNs, () => look('looked'));
  await run(kernel);
  t.deepEqual(seen, ['99 looked: undefined', '100 looked: one', '150 known: one']);
});

test('what was not durable when the process died is what is decided; what was stays', async (t) => {
  for (const [diedNs, left, state] of [
    [DURABLE_NS - 1, undefined, 'undecided'],
    [DURABLE_NS + 1, 'one', 'unknown'],
    [DURABLE_NS + KNOWN_NS + 1, 'one', 'none'],
  ] as const) {
    const { kernel, disk, store } = scene();
    void store.commit(put('one'));
    kernel.after(diedNs, () =>
      t.is(
        store.crash(() => []),
        state,
      ),
    );
    await run(kernel);
    t.is(disk.get('rows', KEY)?.toString(), left);
  }
  const { kernel, disk, store } = scene();
  void store.commit(put('one'));
  kernel.after(1, () => store.crash((writes) => writes));
  await run(kernel);
  t.is(disk.get('rows', KEY)?.toString(), 'one');
});

test('a commit that fails rejects, with its writes on disk or without them, and is the last one', async (t) => {
  for (const isApplied of [true, false]) {
    const { kernel, disk, store } = scene();
    let failures = 0;
    store.failNext({ isApplied, onFailed: () => (failures += 1) });
    const committed = t.throwsAsync(store.commit(put('one')), { message: /EIO/ });
    await run(kernel);
    await committed;
    t.is(failures, 1);
    t.is(disk.get('rows', KEY) !== undefined, isApplied);
    await t.throwsAsync(store.commit(put('two')), { message: /after a commit has failed/ });
  }
});

test('two commits at once, and a value that changes before its commit has resolved, are errors', async (t) => {
  const { kernel, store, errors } = scene();
  const writes = put('one');
  void store.commit(writes);
  await t.throwsAsync(store.commit(put('two')), { message: /one commit at a time/ });
  writes[0]?.value?.fill(7);
  await run(kernel);
  t.deepEqual(errors.map(String), ['InvariantError: a value changed before its commit had resolved']);
});

const anyKey = fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => Buffer.from(bytes));
const anyWrites = fc.array(
  fc.record({
    table: fc.constantFrom('a', 'b'),
    key: anyKey,
    value: fc.option(fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes))),
  }),
  { maxLength: 12 },
);
const anyRange: fc.Arbitrary<Range> = fc.record(
  { from: anyKey, to: anyKey, limit: fc.integer({ min: 1, max: 4 }), reverse: fc.boolean() },
  { requiredKeys: ['from', 'to'] },
);

test('it reads as the other store in memory does, whatever was written', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyWrites, { maxLength: 5 }),
      fc.array(anyRange, { maxLength: 8 }),
      async (all, ranges) => {
        const { kernel, store } = scene();
        const other = new MemoryStore();
        for (const writes of all) {
          const committed = store.commit(writes);
          await run(kernel);
          await Promise.all([committed, other.commit(writes)]);
        }
        const read = (from: Store): unknown =>
          ['a', 'b'].map((table) => ranges.map((range) => [from.keys(table, range), from.range(table, range)]));
        t.deepEqual(read(store), read(other));
      },
    ),
    { numRuns: 60 },
  );
});
