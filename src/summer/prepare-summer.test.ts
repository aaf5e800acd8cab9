import test from 'ava';
import { ManualClock } from '../core/testing/manual-clock.ts';
import { OperatingError } from '../core/errors.ts';
import type { Journals, RaiseOutcome } from '../journal/journals.ts';
import { MemoryStore } from '../store/testing/memory-store.ts';
import type { LookAt } from './look-first.ts';
import { prepareSummer } from './prepare-summer.ts';

/** Shards that are confirmed at these paths, in order. Raises go into the log. */
function journalsOf(confirmed: readonly string[], log: string[]): Journals {
  const epochs = confirmed.map(() => 4);
  const journals: Partial<Journals> = {
    witness: null,
    openState: () => null,
    list: () => {
      const shards = confirmed.map((path, shard) => ({ shard, epoch: epochs[shard] ?? 0, confirmed: path, pin: 0 }));
      return Promise.resolve({ partitions: confirmed.length, batchBytesMax: 1e6, journals: [], shards });
    },
    raise: (shard, _path, { from }): Promise<RaiseOutcome> => {
      const epoch = epochs[shard] ?? 0;
      log.push(`raise ${shard} from ${from}`);
      if (epoch !== from) return Promise.resolve({ outcome: 'moved', epoch });
      epochs[shard] = epoch + 1;
      return Promise.resolve({ outcome: 'raised', epoch: epoch + 1, confirmed: confirmed[shard] ?? null });
    },
    confirm: (owner) => {
      log.push(`confirm ${owner.shard} ${owner.epoch}`);
      return Promise.resolve('confirmed');
    },
  };
  return journals as Journals;
}

function takeOver(confirmed: readonly string[], lookAt: LookAt, log: string[]): Promise<unknown> {
  return prepareSummer({
    journals: journalsOf(confirmed, log),
    store: new MemoryStore('/own'),
    clock: new ManualClock(),
    partitions: confirmed.map((_, shard) => shard),
    takeOver: true,
    readOther: (path, read) => {
      log.push(`read ${path}`);
      return Promise.resolve(read(new MemoryStore(path)));
    },
    lookAt: (path, check, besides) => {
      log.push(`look at ${path} besides ${besides.join(' ')}`);
      return lookAt(path, check, besides);
    },
    onFailure: () => {},
  });
}

test('a takeover looks at each store once, whose copies are all kept, before it raises any shard', async (t) => {
  const log: string[] = [];
  await takeOver(['/a', '/own', '/b', '/a'], () => Promise.resolve(), log);
  t.deepEqual(log.slice(0, 2), ['look at /a besides /b', 'look at /b besides /a']);
  t.deepEqual(
    log.slice(2).filter((line) => !line.startsWith('read')),
    [0, 1, 2, 3].flatMap((shard) => [`raise ${shard} from 4`, ...(shard === 1 ? [] : [`confirm ${shard} 5`])]),
  );
});

const lookAtMost: LookAt = (path) =>
  path === '/gone' ? Promise.reject(new OperatingError('ERR_STORE_MISSING', 'why')) : Promise.resolve();

test('a takeover of several shards, one of which cannot be had, ends no owner', async (t) => {
  const log: string[] = [];
  await t.throwsAsync(takeOver(['/a', '/gone', '/b', '/gone'], lookAtMost, log), {
    code: 'ERR_TAKE_OVER',
    message: /^shards 1, 3 were not taken over, and their owner not disturbed: the store at \/gone .*: why\./,
  });
  t.false(log.some((line) => line.startsWith('raise')));
});
