import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { UsageError } from '../core/errors.ts';
import { testSeed } from '../journal/testing/seed.ts';
import { openLmdbStore, readLmdbStore } from './lmdb-store.ts';
import { keyOf, wholeRange } from './row.ts';
import { type Store, WriteBatch } from './store.ts';
import { acknowledged, checkKilledWriters, checkWhole, writing } from './testing/killed-writer.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { TABLES } from './testing/written.ts';

const FILE = 'store.lmdb';

async function open(t: ExecutionContext, folder: string): Promise<Store> {
  const store = await openLmdbStore({ folder, kind: 'summer', tables: TABLES });
  t.teardown(() => store.close());
  return store;
}

// --- durable ---

/** `lmdb-store.deep.test.ts` kills more of them. */
test.serial(
  'what a killed writer had acknowledged or could read is there, each transaction whole or absent',
  async (t) => {
    await checkKilledWriters(t, 3);
  },
);

test('nothing of a commit is readable before it has resolved', async (t) => {
  const store = await open(t, temporaryFolder(t));
  for (let number = 0; number < 50; number += 1) {
    const commit = store.commit([{ table: 'a', key: keyOf(number), value: Buffer.alloc(1000, number) }]);
    t.is(store.get('a', keyOf(number)), undefined);
    await Promise.resolve();
    t.is(store.get('a', keyOf(number)), undefined);
    await commit;
    t.deepEqual(store.get('a', keyOf(number)), Buffer.alloc(1000, number));
  }
});

test('a commit that fails is one error that names the folder, and nothing follows it', async (t) => {
  const folder = temporaryFolder(t);
  const store = await open(t, folder);
  await store.commit([{ table: 'a', key: keyOf(1), value: Buffer.from('one') }]);
  const tooLong = { table: 'a', key: Buffer.alloc(5_000), value: Buffer.from('two') };
  await t.throwsAsync(store.commit([{ table: 'a', key: keyOf(2), value: Buffer.from('two') }, tooLong]));
  t.is(store.get('a', keyOf(2)), undefined);
  await t.throwsAsync(store.commit([{ table: 'a', key: keyOf(3), value: Buffer.from('three') }]), {
    message: 'one commit at a time',
  });
  t.deepEqual(store.get('a', keyOf(1)), Buffer.from('one'));
});

test('a table that the store was not opened with is an error', async (t) => {
  const store = await open(t, temporaryFolder(t));
  t.throws(() => store.get('c', keyOf(1)), { message: 'no table c' });
  await t.throwsAsync(store.commit([{ table: 'c', key: keyOf(1), value: Buffer.alloc(1) }]), { message: /no table c/ });
});

// --- one writing process ---

test.serial('a folder has one writing process: the lock ends with a kill and holds while it is stopped', async (t) => {
  const folder = temporaryFolder(t);
  const writer = await writing(t, folder, 1);
  const inUse = { instanceOf: UsageError, message: `the data folder ${folder} is in use by another process` };
  const options = { folder, kind: 'summer', tables: TABLES } as const;
  await t.throwsAsync(openLmdbStore(options), inUse);
  await writer.signal('SIGSTOP');
  await t.throwsAsync(openLmdbStore(options), inUse);
  await writer.kill();
  const store = await openLmdbStore(options);
  await t.throwsAsync(openLmdbStore(options), inUse);
  await store.close();
  await (await openLmdbStore(options)).close();
});

test.serial('a store is read as one snapshot while its writer runs, is stopped, and is dead', async (t) => {
  const folder = temporaryFolder(t);
  const options = { folder, scratchFolder: temporaryFolder(t), kind: 'summer', tables: TABLES } as const;
  // A copy that takes longer than every pause between two commits is refused, as it should be.
  const writer = await writing(t, folder, 5, 25);
  let before = 0;
  const read = async (): Promise<void> => {
    const acknowledgedBefore = acknowledged(writer);
    const last = await readLmdbStore(options, (reader) => {
      const found = checkWhole(t, reader);
      t.is(checkWhole(t, reader), found);
      return found;
    });
    t.true(last >= acknowledgedBefore && last >= before);
    before = last;
  };
  for (let run = 0; run < 20; run += 1) await read();
  await writer.signal('SIGSTOP');
  for (let run = 0; run < 3; run += 1) await read();
  await writer.kill();
  await read();
  t.true(before >= acknowledged(writer));
});

test.serial('a store of a version that did not have a table yet is read as one without rows in it', async (t) => {
  const folder = temporaryFolder(t);
  const older = await openLmdbStore({ folder, kind: 'summer', tables: TABLES });
  await older.commit([{ table: TABLES[0], key: Buffer.from([1]), value: Buffer.from('a row') }]);
  await older.close();
  const tables = [...TABLES, 'newer'];
  const range = { from: Buffer.from([0]), to: Buffer.from([9]) };
  const options = { folder, scratchFolder: temporaryFolder(t), kind: 'summer', tables } as const;
  await readLmdbStore(options, (reader) => {
    t.is(reader.get('newer', Buffer.from([1])), undefined);
    t.deepEqual([...reader.range('newer', range), ...reader.keys('newer', range)], []);
    t.is(reader.range(TABLES[0], range).length, 1);
  });
  const newer = await openLmdbStore({ folder, kind: 'summer', tables });
  t.deepEqual(newer.keys('newer', range), []);
  await newer.close();
});

test.serial(
  'reading a store changes no file of its folder: the lock file is memory that its process shares',
  async (t) => {
    const folder = temporaryFolder(t);
    const writer = await writing(t, folder, 5);
    await writer.signal('SIGSTOP');
    const files = (): string[] =>
      readdirSync(folder)
        .toSorted()
        .map((name) => `${name} ${readFileSync(join(folder, name), 'base64')}`);
    const before = files();
    t.true(before.some((file) => file.startsWith(`${FILE}-lock `)));
    t.true(
      await readLmdbStore(
        { folder, scratchFolder: temporaryFolder(t), kind: 'summer', tables: TABLES },
        (reader) => checkWhole(t, reader) >= 5,
      ),
    );
    t.deepEqual(files(), before);
  },
);

test('a store whose process was killed before anything was written has no format', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, FILE), '');
  await t.throwsAsync(
    readLmdbStore({ folder, scratchFolder: temporaryFolder(t), kind: 'summer', tables: TABLES }, () => 0),
    {
      code: 'ERR_STORE_DAMAGED',
      message: `the store at ${folder} was never begun: its process was killed before the first commit`,
    },
  );
});

test('reading a store that is not there, is of another kind, or has no format is an error that names it', async (t) => {
  const folder = temporaryFolder(t);
  const missing = join(folder, 'missing');
  await t.throwsAsync(
    readLmdbStore({ folder: missing, scratchFolder: folder, kind: 'summer', tables: TABLES }, () => 0),
    {
      code: 'ERR_STORE_MISSING',
      message: `there is no store at ${missing}`,
    },
  );
  const store = await openLmdbStore({ folder, kind: 'broker', tables: TABLES });
  await store.close();
  await t.throwsAsync(
    readLmdbStore({ folder, scratchFolder: temporaryFolder(t), kind: 'summer', tables: TABLES }, () => 0),
    {
      instanceOf: UsageError,
      message: /belongs to a broker, not to a summer/,
    },
  );
});

// --- ranges ---

function hex(buffers: readonly Buffer[]): string {
  return buffers.map((buffer) => buffer.toString('hex')).join(' ');
}

test('ranges give what store.ts says: from included, to excluded, reversed, limited', async (t) => {
  const seed = testSeed(t);
  const store = await open(t, temporaryFolder(t));
  const model = new MemoryStore();
  const batch = new WriteBatch();
  for (let word = 0; word < 40; word += 2) {
    batch.put('a', keyOf(word), keyOf(word));
    if (word % 3 === 0) batch.put('a', keyOf(word, 7), keyOf(word, 7));
  }
  await store.commit(batch.writes);
  await model.commit(batch.writes);
  const key = fc
    .tuple(fc.nat(45), fc.option(fc.constantFrom(0, 7, 9)))
    .map(([word, more]) => (more === null ? keyOf(word) : keyOf(word, more)));
  const range = fc.record({ from: key, to: key, limit: fc.option(fc.nat(5)), reverse: fc.option(fc.boolean()) });
  fc.assert(
    fc.property(range, ({ from, to, limit, reverse }) => {
      fc.pre(Buffer.compare(from, to) <= 0);
      const asked = { from, to, ...(limit === null ? {} : { limit }), ...(reverse === null ? {} : { reverse }) };
      const expected = hex(model.keys('a', asked));
      if (hex(store.keys('a', asked)) !== expected)
        throw new Error(`${hex(store.keys('a', asked))} is not ${expected}`);
      const entries = store.range('a', asked);
      if (hex(entries.map((entry) => entry.key)) !== expected) throw new Error('range and keys differ');
      if (hex(entries.map((entry) => entry.value)) !== expected) throw new Error('values are not those of their keys');
    }),
    { seed, numRuns: 500 },
  );
  t.pass();
});

test('a value that was read stays as it is when its row changes', async (t) => {
  const store = await open(t, temporaryFolder(t));
  await store.commit([{ table: 'a', key: keyOf(1), value: Buffer.alloc(70_000, 1) }]);
  const value = store.get('a', keyOf(1));
  const [entry] = store.range('a', wholeRange());
  await store.commit([{ table: 'a', key: keyOf(1), value: Buffer.alloc(70_000, 2) }]);
  for (let number = 2; number < 10; number += 1) {
    await store.commit([{ table: 'a', key: keyOf(number), value: Buffer.alloc(70_000, 3) }]);
  }
  t.deepEqual(value, Buffer.alloc(70_000, 1));
  t.deepEqual(entry?.value, Buffer.alloc(70_000, 1));
});

test('a folder that cannot be made is a usage error that names it', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  const folder = join(file, 'data');
  await t.throwsAsync(openLmdbStore({ folder, kind: 'summer', tables: TABLES }), {
    instanceOf: UsageError,
    message: new RegExp(folder),
  });
});
