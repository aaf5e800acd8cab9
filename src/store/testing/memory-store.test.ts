import test from 'ava';
import { keyOf, numberRange } from '../row.ts';
import { HeldCommits, MemoryStore } from './memory-store.ts';

const put = (word: number, text: string, table = 'a'): { table: string; key: Buffer; value: Buffer } => ({
  table,
  key: keyOf(word),
  value: Buffer.from(text),
});

test('nothing of a commit is readable before it has resolved, and then all of it is', async (t) => {
  const store = new MemoryStore();
  const held = new HeldCommits();
  store.gate = held.gate;
  const commit = store.commit([put(1, 'one'), put(2, 'two')]);
  await Promise.resolve();
  await Promise.resolve();
  t.is(held.waiting.length, 1);
  t.is(store.get('a', keyOf(1)), undefined);
  held.releaseOne();
  await commit;
  t.is(store.get('a', keyOf(1))?.toString(), 'one');
  t.is(store.get('a', keyOf(2))?.toString(), 'two');
});

test('ranges are in the order of keys, without their end, limited and reversed', async (t) => {
  const store = new MemoryStore();
  const keys = [keyOf(2), keyOf(1, 7), keyOf(1), keyOf(1, 3), keyOf(0, 9)];
  await store.commit(keys.map((key) => ({ table: 'a', key, value: key })));
  const found = (options: object): string[] =>
    store.range('a', { ...numberRange(1), ...options }).map(({ key }) => key.toString('hex'));
  const [plain, three, seven] = [keyOf(1), keyOf(1, 3), keyOf(1, 7)].map((key) => key.toString('hex'));
  t.deepEqual(found({}), [plain, three, seven]);
  t.deepEqual(found({ limit: 2 }), [plain, three]);
  t.deepEqual(found({ reverse: true, limit: 2 }), [seven, three]);
  t.deepEqual(store.keys('b', numberRange(1)), []);
});

test('a commit that fails changes nothing, and no other may follow', async (t) => {
  const store = new MemoryStore();
  await store.commit([put(1, 'one')]);
  store.gate = () => {
    throw new Error('no space');
  };
  await t.throwsAsync(store.commit([put(1, 'two')]), { message: 'no space' });
  t.is(store.get('a', keyOf(1))?.toString(), 'one');
  await t.throwsAsync(store.commit([put(1, 'three')]), { name: 'InvariantError' });
});

test('after a crash the commit under way is there whole or not at all', async (t) => {
  for (const [fate, found] of [
    ['lost', undefined],
    ['durable', 'two'],
  ] as const) {
    const store = new MemoryStore();
    await store.commit([put(1, 'one')]);
    store.gate = new HeldCommits().gate;
    void store.commit([put(2, 'two'), { table: 'a', key: keyOf(1), value: null }]);
    const next = store.crash(fate);
    t.is(next.get('a', keyOf(2))?.toString(), found);
    t.is(next.get('a', keyOf(1))?.toString(), fate === 'lost' ? 'one' : undefined);
    await next.commit([put(3, 'three')]);
    t.is(store.get('a', keyOf(3)), undefined);
  }
});

test('a value that changes before its commit has resolved is an error', async (t) => {
  const store = new MemoryStore();
  const write = put(1, 'one');
  const commit = store.commit([write]);
  write.value.fill(0);
  await t.throwsAsync(commit, { message: /no value changes/ });
});

test('two commits at once are an error', async (t) => {
  const store = new MemoryStore();
  const first = store.commit([put(1, 'one')]);
  await t.throwsAsync(store.commit([put(2, 'two')]), { message: 'one commit at a time' });
  await first;
  t.is(store.get('a', keyOf(1))?.toString(), 'one');
});
