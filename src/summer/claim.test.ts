import test from 'ava';
import { OperatingError, UsageError, ViolationError } from '../core/errors.ts';
import type { Journals, RaiseOutcome } from '../journal/journals.ts';
import { keyOf, sealRow } from '../store/row.ts';
import type { StoreReader } from '../store/store.ts';
import { MemoryStore } from '../store/testing/memory-store.ts';
import { checkPartitions, checkWitnesses, claimShard, trimmedError } from './claim.ts';
import { witnessesOf } from './rows.ts';
import type { LookAt } from './look-first.ts';

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

type Answers = { raise: RaiseOutcome; confirm?: 'confirmed' | 'fenced'; pin?: number };

/** Journals with these answers. Requests to them and to the store go into the log, in order. */
function scene(own: MemoryStore, { raise, confirm = 'confirmed', pin = 0 }: Answers, log: string[]): Journals {
  own.gate = () => {
    log.push('commit');
  };
  const journals: Partial<Journals> = {
    witness: null,
    openState: () => null,
    list: () => {
      const confirmed = 'confirmed' in raise ? raise.confirmed : null;
      const shards = [{ shard: SHARD, epoch: 4, confirmed, pin }];
      return Promise.resolve({ partitions: 8, batchBytesMax: 1e6, journals: [], shards });
    },
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

/** Looks at a store that is always in order. */
const lookAt: LookAt = () => Promise.resolve();

function looking(other: MemoryStore, log: string[]): LookAt {
  return (path, check) => {
    log.push(`look at ${path}`);
    check(other);
    return Promise.resolve();
  };
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
  const claim = await claimShard(SHARD, {
    journals,
    store: own,
    readOther: reading(other, log),
    lookAt,
    takeOver: true,
  });
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
  const claim = await claimShard(SHARD, {
    journals,
    store: own,
    readOther: reading(own, log),
    lookAt,
    takeOver: false,
  });
  t.deepEqual(claim, { outcome: 'owned', owner: { shard: SHARD, epoch: 5 }, copiedFrom: null });
  t.deepEqual(log, ['raise 2 /own false']);
  t.deepEqual(rowsOf(own, SHARD).length, 4);
});

test('where no store was ever confirmed, what the own store holds is of other journals and goes', async (t) => {
  const own = await storeWith('/own', 'old');
  const log: string[] = [];
  const journals = scene(own, { raise: { outcome: 'raised', epoch: 1, confirmed: null } }, log);
  const claim = await claimShard(SHARD, {
    journals,
    store: own,
    readOther: reading(own, log),
    lookAt,
    takeOver: false,
  });
  t.is(claim.outcome, 'owned');
  t.deepEqual(log, ['raise 2 /own false', 'commit', 'confirm 2 1 /own with nothing']);
  t.deepEqual(rowsOf(own, SHARD + 1).length, 4);
});

test('a shard that is confirmed elsewhere is replaced, and nothing of the own store changes', async (t) => {
  const own = await storeWith('/own', 'own');
  const log: string[] = [];
  const journals = scene(own, { raise: { outcome: 'replaced', confirmed: '/other' } }, log);
  const claim = await claimShard(SHARD, {
    journals,
    store: own,
    readOther: reading(own, log),
    lookAt,
    takeOver: false,
  });
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
  const journals = { raise, witness: null, openState: () => null } as Partial<Journals> as Journals;
  const claim = await claimShard(SHARD, { journals, store: own, readOther: reading(own, []), lookAt, takeOver: false });
  t.deepEqual(claim, { outcome: 'owned', owner: { shard: SHARD, epoch: 8 }, copiedFrom: null });
  t.deepEqual(froms, [0, 4, 7]);
});

/** Journals with this witness, which vouch for the other witnesses of `held`. */
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
    await claimShard(SHARD, { journals, store: own, readOther: reading(own, log), lookAt, takeOver: false });
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
    const claim = claimShard(SHARD, { journals, store: own, readOther: reading(other, log), lookAt, takeOver: true });
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
  const claim = await claimShard(SHARD, { journals, store: own, readOther: reading(own, []), lookAt, takeOver: true });
  t.deepEqual(claim, { outcome: 'fenced' });
});

function missing(): Promise<never> {
  return Promise.reject(new Error('there is no store'));
}

test('a copy that cannot be made or committed confirms nothing', async (t) => {
  const own = await storeWith('/own', 'old');
  const log: string[] = [];
  const journals = scene(own, { raise: { outcome: 'raised', epoch: 5, confirmed: '/other' } }, log);
  await t.throwsAsync(claimShard(SHARD, { journals, store: own, readOther: missing, lookAt, takeOver: true }), {
    message: 'there is no store',
  });
  t.deepEqual(
    rowsOf(own, SHARD),
    Array.from({ length: 4 }, () => 'old 2'),
  );
  own.gate = () => {
    throw new Error('no space');
  };
  const options = { journals, store: own, readOther: reading(own, log), lookAt, takeOver: true };
  await t.throwsAsync(claimShard(SHARD, options), { message: 'no space' });
  t.false(log.some((line) => line.startsWith('confirm')));
});

test('a takeover looks before it raises, and what is in the way leaves the owner as it is', async (t) => {
  const own = await storeWith('/own', 'old');
  const other = await storeWith('/other', 'theirs');
  const log: string[] = [];
  const journals = scene(own, { raise: { outcome: 'raised', epoch: 5, confirmed: '/other' } }, log);
  const options = { journals, store: own, readOther: reading(other, log), takeOver: true };
  await claimShard(SHARD, { ...options, lookAt: looking(other, log) });
  t.deepEqual(log.slice(0, 3), ['look at /other', 'raise 2 /own true', 'read /other']);
  log.length = 0;
  for (const [code, help] of [
    ['ERR_STORE_MISSING', true],
    ['ERR_STORE_ROOM', false],
    ['ERR_STORE_DAMAGED', false],
  ] as const) {
    const blind: LookAt = () => Promise.reject(new OperatingError(code, 'why'));
    const error = await t.throwsAsync(claimShard(SHARD, { ...options, lookAt: blind }));
    t.regex(error.message, /^shard 2 was not taken over, and its owner not disturbed: the store at \/other .*: why\./);
    t.is(error.message.includes('--take-over-from'), help);
  }
  t.deepEqual(log, []);
});

test('a takeover that looked at an epoch that is over looks again', async (t) => {
  const own = await storeWith('/own', 'old');
  const log: string[] = [];
  const journals = scene(own, { raise: { outcome: 'raised', epoch: 6, confirmed: '/own' } }, log);
  let raises = 0;
  const looks: string[] = [];
  const moving: Journals = {
    ...journals,
    list: async () => {
      const info = await journals.list();
      const confirmed = raises === 0 ? '/first' : '/second';
      return { ...info, shards: info.shards.map((shard) => ({ ...shard, epoch: 4 + raises, confirmed })) };
    },
    raise: (shard, path, raising) => {
      raises += 1;
      log.push(`from ${raising.from}`);
      return raises === 1 ? Promise.resolve({ outcome: 'moved', epoch: 5 }) : journals.raise(shard, path, raising);
    },
  };
  const options = { store: own, readOther: reading(own, []), takeOver: true };
  await claimShard(SHARD, { ...options, journals: moving, lookAt: (path) => Promise.resolve(void looks.push(path)) });
  t.deepEqual(looks, ['/first', '/second']);
  t.deepEqual(log.slice(0, 2), ['from 4', 'from 5']);
});

/** A store whose shard is folded up to an offset. */
async function foldedTo(path: string, offset: number): Promise<MemoryStore> {
  const store = new MemoryStore(path);
  const value = sealRow({ offset, nextSum: 0 });
  await store.commit([{ table: 'checkpoints', key: keyOf(SHARD), value }]);
  return store;
}

test('the store of a moved folder is taken from its new place, if it is not older than was reported', async (t) => {
  for (const [offset, isTaken] of [
    [100, true],
    [99, false],
  ] as const) {
    const own = await storeWith('/own', 'old');
    const moved = await foldedTo('/moved', offset);
    const log: string[] = [];
    const journals = scene(own, { raise: { outcome: 'raised', epoch: 5, confirmed: '/gone' }, pin: 100 }, log);
    const options = { journals, store: own, readOther: reading(moved, log), takeOver: true, movedTo: '/moved' };
    const claiming = claimShard(SHARD, { ...options, lookAt: looking(moved, log) });
    if (isTaken) {
      t.like(await claiming, { outcome: 'owned', copiedFrom: '/moved' });
      t.deepEqual(log.slice(0, 4), ['look at /moved', 'raise 2 /own true', 'read /moved', 'commit']);
    } else {
      await t.throwsAsync(claiming, { message: /has folded shard 2 up to 99, its owner has reported 100/ });
      t.deepEqual(log, ['look at /moved']);
    }
  }
});

test('a folder that was moved goes on in its new place with the rows that it has', async (t) => {
  const own = await foldedTo('/own', 100);
  const log: string[] = [];
  const journals = scene(own, { raise: { outcome: 'raised', epoch: 5, confirmed: '/gone' }, pin: 100 }, log);
  const options = { journals, store: own, readOther: missing, lookAt, takeOver: true, movedTo: '/own' };
  t.like(await claimShard(SHARD, options), { outcome: 'owned' });
  t.deepEqual(
    log.map((line) => line.slice(0, 17)),
    ['raise 2 /own true', 'confirm 2 5 /own '],
  );
});

test('where another store was confirmed since it was looked at, that one is copied', async (t) => {
  const own = await storeWith('/own', 'old');
  const other = await storeWith('/other', 'theirs');
  const log: string[] = [];
  const journals = scene(own, { raise: { outcome: 'raised', epoch: 5, confirmed: '/other' } }, log);
  const list: Journals['list'] = async () => {
    const info = await journals.list();
    return { ...info, shards: info.shards.map((shard) => ({ ...shard, confirmed: '/gone' })) };
  };
  const options = { store: own, readOther: reading(other, log), lookAt, takeOver: true, movedTo: '/moved' };
  await claimShard(SHARD, { ...options, journals: { ...journals, list } });
  t.true(log.includes('read /other'));
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
