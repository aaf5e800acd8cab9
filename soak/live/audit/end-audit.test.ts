import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { OperatingError } from '../../../src/core/errors.ts';
import { temporaryFolder } from '../../../src/cli/testing/test-process.ts';
import { type Journals, SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { openLmdbStore } from '../../../src/store/lmdb-store.ts';
import { keyOf, sealRow } from '../../../src/store/row.ts';
import { SUMMER_TABLES } from '../../../src/summer/rows.ts';
import { type AuditContext, type ShardEvidence, checkShard, makeAudit } from './end-audit.ts';
import { fakeOptions } from '../testing/fake-run.ts';

const PRODUCER = 'a1a2a3a4a5a6a7a8';
const OTHER = 'b1b2b3b4b5b6b7b8';

const sound: ShardEvidence = {
  shard: 3,
  journalHead: 1000,
  sumsPublished: 7,
  checkpoint: { offset: 1000, nextSum: 7 },
  openFiles: [],
};

function kinds(evidence: Partial<ShardEvidence>): string[] {
  return checkShard({ ...sound, ...evidence }, [PRODUCER]).map(({ kind }) => kind);
}

test('a shard that is folded to the head with all its sums published passes', (t) => {
  t.deepEqual(kinds({}), []);
  t.deepEqual(kinds({ journalHead: 0, sumsPublished: 0, checkpoint: null }), []);
});

test('a shard that has not folded the whole journal is behind', (t) => {
  t.deepEqual(kinds({ checkpoint: { offset: 999, nextSum: 7 } }), ['state-behind']);
  t.deepEqual(kinds({ checkpoint: null }), ['state-behind']);
});

test('a shard that has folded more than the journal holds is ahead', (t) => {
  t.deepEqual(kinds({ checkpoint: { offset: 1001, nextSum: 7 } }), ['state-ahead']);
});

test('a finished sum that is not in the sums journal is lost', (t) => {
  t.deepEqual(kinds({ sumsPublished: 6 }), ['lost']);
});

test('a published sum that the state does not know is found', (t) => {
  t.deepEqual(kinds({ sumsPublished: 8 }), ['state-behind']);
});

test("a context left of a verified producer's file is a leak, named by its file; another producer's is not", (t) => {
  const file = `${PRODUCER}0000000000000009`;
  t.deepEqual(kinds({ openFiles: [file] }), ['leak']);
  t.is(checkShard({ ...sound, openFiles: [file] }, [PRODUCER])[0]?.file, file);
  t.deepEqual(kinds({ openFiles: [`${OTHER}0000000000000009`] }), []);
});

/** Journals whose shards are all confirmed at one store; `sums` sums of each are published. */
function journalsAt(confirmed: string, shards: number, sums: number): Journals {
  const journals: Partial<Journals> = {
    list: () =>
      Promise.resolve({
        partitions: shards,
        batchBytesMax: 1000,
        journals: Array.from({ length: shards }, (_, shard) => ({ name: `chunks ${shard}`, begin: 0, head: 1000 })),
        shards: Array.from({ length: shards }, (_, shard) => ({ shard, epoch: 1, confirmed, pin: 1000 })),
      }),
    expected: (journal) =>
      Promise.resolve(
        journal === SUMS_JOURNAL ? { outcome: 'expected', n: sums, stampNs: 1 } : ({ outcome: 'ended', n: 1 } as const),
      ),
    close: () => {},
  };
  return journals as Journals;
}

test('neither an audit nor one that was killed before it in the same folder leaves copies of stores', async (t) => {
  const dataFolder = temporaryFolder(t);
  const confirmed = join(dataFolder, 'summer-0');
  const store = await openLmdbStore({ folder: confirmed, kind: 'summer', tables: SUMMER_TABLES });
  const shards = [0, 1, 2];
  const value = sealRow({ offset: 1000, nextSum: 7 });
  await store.commit(shards.map((shard) => ({ table: 'checkpoints', key: keyOf(shard), value })));
  const left = join(dataFolder, 'audit', 'store.copy-of-a-killed-one');
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, 'store.lmdb'), 'half a copy');
  const audit = makeAudit(() => journalsAt(confirmed, shards.length, 6));
  const found = await audit({
    endpoint: 'none',
    dataFolder,
    options: fakeOptions(dataFolder, {}),
    producers: [{ process: 'chunker-0', producer: PRODUCER, verifiedTotal: 7, filesCompletedTotal: 7 }],
    retired: [],
    signal: new AbortController().signal,
  });
  t.deepEqual(
    found.map(({ kind, journal }) => [kind, journal]),
    shards.map((shard) => ['lost', `chunks/part-00${shard}`]),
  );
  await store.close();
  t.deepEqual(readdirSync(dataFolder), ['summer-0']);
});

function contextOf(dataFolder: string, change: Partial<AuditContext>): AuditContext {
  return {
    endpoint: 'none',
    dataFolder,
    options: { ...fakeOptions(dataFolder, {}), chunkers: 1 },
    producers: [{ process: 'chunker-0', producer: PRODUCER, verifiedTotal: 7, filesCompletedTotal: 7 }],
    retired: [],
    signal: new AbortController().signal,
    ...change,
  };
}

async function storeWith(t: ExecutionContext, folder: string, nextSum: number): Promise<void> {
  const store = await openLmdbStore({ folder, kind: 'summer', tables: SUMMER_TABLES });
  t.teardown(() => store.close());
  await store.commit([{ table: 'checkpoints', key: keyOf(0), value: sealRow({ offset: 1000, nextSum }) }]);
}

test('a sum more than files is a phantom, even if state and journal agree on it; one less is lost', async (t) => {
  for (const [sums, expected] of [
    [7, []],
    [8, ['phantom']],
    [6, ['lost']],
  ] as const) {
    const dataFolder = temporaryFolder(t);
    const confirmed = join(dataFolder, 'summer-0');
    await storeWith(t, confirmed, sums);
    const audit = makeAudit(() => journalsAt(confirmed, 1, sums));
    const found = await audit(contextOf(dataFolder, {}));
    t.deepEqual(
      found.map(({ kind }) => kind),
      expected,
    );
    // What an older data folder held before is unknown, and so is what a chunker completed that never drained.
    const older = contextOf(dataFolder, { options: { ...fakeOptions(dataFolder, {}), chunkers: 1, data: dataFolder } });
    t.deepEqual(await audit(older), []);
    t.deepEqual(await audit(contextOf(dataFolder, { options: { ...older.options, data: null, chunkers: 2 } })), []);
  }
});

test('a retired producer has ended in each journal, and at least its verified files have sums', async (t) => {
  for (const [sums, ending, expected] of [
    [9, 'ended', []],
    [12, 'ended', []],
    [8, 'ended', ['lost']],
    [9, 'expected', ['acknowledged-loss']],
  ] as const) {
    const dataFolder = temporaryFolder(t);
    const confirmed = join(dataFolder, 'summer-0');
    await storeWith(t, confirmed, sums);
    const journals = journalsAt(confirmed, 1, sums);
    const asked: Journals['expected'] = (journal, producer) =>
      producer === OTHER
        ? Promise.resolve(ending === 'ended' ? { outcome: 'ended', n: 1 } : { outcome: 'expected', n: 1, stampNs: 1 })
        : journals.expected(journal, producer);
    const audit = makeAudit(() => ({ ...journals, expected: asked }));
    const retired = [{ process: 'chunker-0', producer: OTHER, verifiedTotal: 2 }];
    const found = await audit(contextOf(dataFolder, { retired }));
    t.deepEqual(
      found.map(({ kind }) => kind),
      expected,
    );
  }
});

test('a broker that dies while it is asked ends the audit with the run', async (t) => {
  for (const silent of [SUMS_JOURNAL, 'chunks/part-000']) {
    const dataFolder = temporaryFolder(t);
    const confirmed = join(dataFolder, 'summer-0');
    await storeWith(t, confirmed, 7);
    const journals = journalsAt(confirmed, 1, 7);
    const ended = new AbortController();
    const expected: Journals['expected'] = (journal, producer) => {
      if (journal !== silent) return journals.expected(journal, producer);
      setImmediate(() => ended.abort());
      return new Promise(() => undefined);
    };
    const audit = makeAudit(() => ({ ...journals, expected }));
    const error = await t.throwsAsync(audit(contextOf(dataFolder, { signal: ended.signal })), {
      instanceOf: OperatingError,
    });
    t.is(error.message, 'the run was ended');
  }
});
