import test from 'ava';
import { UsageError, ViolationError } from '../core/errors.ts';
import type { Journals, RaiseOutcome } from '../journal/journals.ts';
import { keyOf, sealRow } from '../store/row.ts';
import type { StoreReader } from '../store/store.ts';
import { MemoryStore } from '../store/testing/memory-store.ts';
import { checkPartitions, checkWitnesses, claimShard, trimmedError } from './claim.ts';
import { witnessesOf } from './rows.ts';

const SHARD = 2;

async function storeWith(path: string, text: string): Promise<MemoryStore> {
  const store = new MemoryStore(path);
  await store.commit(
    [SHARD, SHARD + 1].flatMap((shard) =>
      ['checkpoints', 'outbox', 'producers', 'states'].map((table) => ({
        table,
        key: keyOf(shard, text.length),
        value: Buffer.from(`${text} ${shard}`),
      })),
    ),
  );
  return store;
}

/** The rows of a shard, as text. */
function rowsOf(store: StoreReader, shard: number): string[] {
  return ['checkpoints', 'outbox', 'producers', 'states'].flatMap((table) =>
    store.range(table, { from: keyOf(shard), to: keyOf(shard + 1) }).map(({ value }) => value.toString()),
  );
}

type Answers = { raise: RaiseOutcome; confirm?: 'confirmed' | 'fenced' };

/** Journals that answer so; what is asked of them and of the store goes into the log, in order. */
function scene(own: MemoryStore, { raise, confirm = 'confirmed' }: Answers, log: string[]): Journals {
  own.gate = () => {
    log.push('commit');
  };
  const journals: Partial<Journals> = {
    witness: null,
    raise: (shard, path, { takeOver }) => {
      log.push(`raise ${shard} ${path} ${takeOver}`);
      return Promise.resolve(raise);
    },
    confirm: (owner, path) => {
      log.push(`confirm ${owner.shard} ${owner.epoch} ${path} with ${rowsOf(own, SHARD)[0] ?? 'nothing'}`);
      return Promise.resolve(confirm);
    },
  };
  return journals as Journals;
}

function reading(other: MemoryStore, log: string[]) {
  return <T>(path: string, read: (reader: StoreReader) => T): Promise<T> => {
    log.push(`read ${path}`);
    return Promise.resolve(read(other));
  };
}

test('a takeover raises, then copies the rows of the confirmed store durably, then confirms its own', async (t) => {
  const own = await storeWith('/own', 'old');
  const other = await storeWith('/other', 'theirs');
  const log: string[] = [];
  const journals = scene(own, { raise: { outcome: 'raised', epoch: 5, confirmed: '/other' } }, log);
  const claim = await claimShard(SHARD, { journals, store: own, readOther: reading(other, log), takeOver: true });
  t.deepEqual(claim, { outcome: 'owned', owner: { shard: SHARD, epoch: 5 }, copiedFrom: '/other' });
  t.deepEqual(log, ['raise 2 /own true', 'read /other', 'commit', 'confirm 2 5 /own with theirs 2']);
  t.deepEqual(
    rowsOf(own, SHARD),
    Array.from({ length: 4 }, () => 'theirs 2'),
  );
  t.deepEqual(
    rowsOf(own, SHARD + 1),
    Array.from({ length: 4 }, () => 'old 3'),
  );
});

test('a store that is confirmed already continues as it is', async (t) => {
  const own = await storeWith('/own', 'own');
  const log: string[] = [];
  const journals = scene(own, { raise: { outcome: 'raised', epoch: 5, confirmed: '/own' } }, log);
  const claim = await claimShard(SHARD, { journals, store: own, readOther: reading(own, log), takeOver: false });
  t.deepEqual(claim, { outcome: 'owned', owner: { shard: SHARD, epoch: 5 }, copiedFrom: null });
  t.deepEqual(log, ['raise 2 /own false']);
  t.deepEqual(rowsOf(own, SHARD).length, 4);
});

test('where no store was ever confirmed, what the own store holds is of other journals and goes', async (t) => {
  const own = await storeWith('/own', 'old');
  const log: string[] = [];
  const journals = scene(own, { raise: { outcome: 'raised', epoch: 1, confirmed: null } }, log);
  const claim = await claimShard(SHARD, { journals, store: own, readOther: reading(own, log), takeOver: false });
  t.is(claim.outcome, 'owned');
  t.deepEqual(log, ['raise 2 /own false', 'commit', 'confirm 2 1 /own with nothing']);
  t.deepEqual(rowsOf(own, SHARD + 1).length, 4);
});

test('a shard that is confirmed elsewhere is replaced, and nothing of the own store changes', async (t) => {
  const own = await storeWith('/own', 'own');
  const log: string[] = [];
  const journals = scene(own, { raise: { outcome: 'replaced', confirmed: '/other' } }, log);
  const claim = await claimShard(SHARD, { journals, store: own, readOther: reading(own, log), takeOver: false });
  t.deepEqual(claim, { outcome: 'replaced', confirmed: '/other' });
  t.deepEqual(log, ['raise 2 /own false']);
  t.deepEqual(rowsOf(own, SHARD).length, 4);
});

test('a raise goes on from the epoch that the shard has, however often others raise it meanwhile', async (t) => {
  const own = await storeWith('/own', 'own');
  const froms: number[] = [];
  const raise: Journals['raise'] = (_shard, path, { from }) => {
    froms.push(from);
    const epoch = [4, 7][froms.length - 1];
    if (epoch !== undefined) return Promise.resolve({ outcome: 'moved', epoch });
    return Promise.resolve({ outcome: 'raised', epoch: from + 1, confirmed: path });
  };
  const journals = { raise, witness: null } as Partial<Journals> as Journals;
  const claim = await claimShard(SHARD, { journals, store: own, readOther: reading(own, []), takeOver: false });
  t.deepEqual(claim, { outcome: 'owned', owner: { shard: SHARD, epoch: 8 }, copiedFrom: null });
  t.deepEqual(froms, [0, 4, 7]);
});

/** Journals with this witness, which hold the others of these. */
function vouching(own: MemoryStore, answers: Answers & { held: readonly string[] }, log: string[]): Journals {
  const vouch: Journals['vouch'] = (witness) => {
    log.push(`vouch ${witness}`);
    return Promise.resolve(answers.held.includes(witness) ? { outcome: 'held' } : { outcome: 'lost', detail: 'why' });
  };
  return { ...scene(own, answers, log), witness: 'store now 9 here', vouch };
}

async function keep(store: MemoryStore, table: 'claims' | 'checkpoints', row: object): Promise<void> {
  await store.commit([{ table, key: keyOf(SHARD), value: sealRow(row) }]);
}

test('the epoch that was raised and a witness of it are durable before the shard is owned', async (t) => {
  for (const confirmed of ['/own', null]) {
    const own = new MemoryStore('/own');
    const log: string[] = [];
    const journals = vouching(own, { raise: { outcome: 'raised', epoch: 5, confirmed }, held: [] }, log);
    await claimShard(SHARD, { journals, store: own, readOther: reading(own, log), takeOver: false });
    t.deepEqual(witnessesOf(SHARD, own), ['store now 9 here']);
    t.is(log[1], 'commit');
  }
});

test('what a predecessor was told must be held before its rows are taken', async (t) => {
  for (const held of [['store now 3 here'], []]) {
    const own = new MemoryStore('/own');
    const other = new MemoryStore('/other');
    await keep(other, 'checkpoints', { offset: 7, nextSum: 1, witness: 'store now 3 here' });
    await keep(other, 'claims', { epoch: 4, witness: 'store now 3 here' });
    const log: string[] = [];
    const journals = vouching(own, { raise: { outcome: 'raised', epoch: 5, confirmed: '/other' }, held }, log);
    const claim = claimShard(SHARD, { journals, store: own, readOther: reading(other, log), takeOver: true });
    if (held.length > 0) {
      t.is((await claim).outcome, 'owned');
      t.deepEqual(witnessesOf(SHARD, own), ['store now 3 here', 'store now 9 here']);
      continue;
    }
    await t.throwsAsync(claim, { instanceOf: ViolationError, message: /lost .* why .*\/other proves it/ });
    t.false(log.includes('commit'));
  }
});

test('each witness of the own store is checked once, before anything else is asked', async (t) => {
  const own = new MemoryStore('/own');
  await keep(own, 'checkpoints', { offset: 7, nextSum: 1, witness: 'store now 3 here' });
  await keep(own, 'claims', { epoch: 4, witness: 'store now 2 here' });
  const raise = { outcome: 'raised', epoch: 5, confirmed: '/own' } as const;
  const log: string[] = [];
  await checkWitnesses(vouching(own, { raise, held: ['store now 2 here', 'store now 3 here'] }, log), own, [
    1,
    SHARD,
    2,
  ]);
  t.deepEqual(log, ['vouch store now 3 here', 'vouch store now 2 here']);
  const journals = vouching(own, { raise, held: ['store now 3 here'] }, log);
  await t.throwsAsync(checkWitnesses(journals, own, [SHARD]), { instanceOf: ViolationError });
  await t.notThrowsAsync(checkWitnesses(journals, own, [1]), 'a shard that it never had');
});

test('a claim or checkpoint that does not verify is a damaged store', async (t) => {
  for (const table of ['claims', 'checkpoints'] as const) {
    const own = new MemoryStore('/own');
    await keep(own, table, { epoch: 4, offset: 1, nextSum: 1, witness: 'none' });
    t.throws(() => witnessesOf(SHARD, own), { code: 'ERR_STORE_DAMAGED', message: /shard 2/ });
  }
});

test('a newer owner that came meanwhile fences the claim', async (t) => {
  const own = await storeWith('/own', 'own');
  const journals = scene(own, { raise: { outcome: 'raised', epoch: 5, confirmed: '/other' }, confirm: 'fenced' }, []);
  const claim = await claimShard(SHARD, { journals, store: own, readOther: reading(own, []), takeOver: true });
  t.deepEqual(claim, { outcome: 'fenced' });
});

function missing(): Promise<never> {
  return Promise.reject(new Error('there is no store'));
}

test('a copy that cannot be made or committed confirms nothing', async (t) => {
  const own = await storeWith('/own', 'old');
  const log: string[] = [];
  const journals = scene(own, { raise: { outcome: 'raised', epoch: 5, confirmed: '/other' } }, log);
  await t.throwsAsync(claimShard(SHARD, { journals, store: own, readOther: missing, takeOver: true }), {
    message: 'there is no store',
  });
  t.deepEqual(
    rowsOf(own, SHARD),
    Array.from({ length: 4 }, () => 'old 2'),
  );
  own.gate = () => {
    throw new Error('no space');
  };
  const options = { journals, store: own, readOther: reading(own, log), takeOver: true };
  await t.throwsAsync(claimShard(SHARD, options), { message: 'no space' });
  t.false(log.some((line) => line.startsWith('confirm')));
});

test('partitions that are none, or none at all, are usage errors', (t) => {
  t.notThrows(() => checkPartitions([0, 7], 8));
  t.throws(() => checkPartitions([0, 8], 8), { instanceOf: UsageError, message: /no partition 8: .* have 8/ });
  t.throws(() => checkPartitions([], 8), { instanceOf: UsageError });
});

test('reading below what a shard holds is a gap that names the journal, its begin and what was to be read', (t) => {
  const { kind, message, witness } = trimmedError('chunks/part-000', 5, 9);
  t.is(kind, 'gap');
  t.is(message, 'chunks/part-000 was trimmed: it begins at 9, but 5 was to be read');
  t.deepEqual(witness, { journal: 'chunks/part-000', offset: 5 });
});
