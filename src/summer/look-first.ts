/**
 * What a takeover looks at before it raises the epoch, because the raise ends the present owner, which may be healthy.
 * Looking only checks. The rows are read again after the raise: nothing that was read before it counts.
 *
 * Rule P-TAKE-2 of docs/protocol.md.
 */

import { isCount } from '../core/assert.ts';
import { OperatingError, UsageError } from '../core/errors.ts';
import type { Journals } from '../journal/journals.ts';
import type { StateLog } from '../journal/state-log.ts';
import { keyOf, openRow } from '../store/row.ts';
import type { Store, StoreReader } from '../store/store.ts';
import { isCheckpointRow } from './rows.ts';

/**
 * Checks that a takeover can read the summer store in another folder: the store exists, it can be read, and there is
 * room for a copy of it, for the rows kept from it, and for those of the stores `besides`. `check` gets the store,
 * unless its process commits too fast for that. Throws the obstacle.
 */
export type LookAt = (
  path: string,
  check: (reader: StoreReader) => unknown,
  besides: readonly string[],
) => Promise<void>;

/** A shard as the look has found it. */
export type Seen = {
  readonly epoch: number;
  readonly confirmed: string | null;
  /** The offset that the shard has reported as durably folded. No store that speaks for the shard has less. */
  readonly pin: number;
};

export type LookOptions = {
  readonly journals: Journals;
  readonly store: Store;
  readonly lookAt: LookAt;
  /** The new place of the confirmed store's folder; null: it was not moved. */
  readonly movedTo: string | null;
};

/**
 * Looks at every shard that is to be taken over, at each store once, and returns the shards by number. When one of them
 * could not be taken over, throws an OperatingError that says what helps. Nothing has changed then.
 */
export async function lookFirst(shards: readonly number[], options: LookOptions): Promise<ReadonlyMap<number, Seen>> {
  const { journals, store, lookAt, movedTo } = options;
  const { shards: infos } = await journals.list();
  const seen = new Map<number, Seen>();
  /** Keyed by the store whose rows will be copied. */
  const sources = new Map<string, { confirmed: string; shards: number[] }>();
  for (const shard of shards) {
    const info = infos.find((candidate) => candidate.shard === shard);
    const { epoch = 0, confirmed = null, pin = 0 } = info ?? {};
    seen.set(shard, { epoch, confirmed, pin });
    const log = journals.openState({ shard, epoch });
    if (log !== null) {
      await lookAtLog(shard, log, movedTo);
      continue;
    }
    if (confirmed === null || confirmed === store.path) continue;
    const from = movedTo ?? confirmed;
    const source = sources.get(from) ?? { confirmed, shards: [] };
    source.shards.push(shard);
    sources.set(from, source);
  }
  for (const [from, source] of sources) {
    const check = (reader: StoreReader): void => {
      if (movedTo === null) return;
      for (const shard of source.shards) checkReported(shard, reader, { path: from, pin: seen.get(shard)?.pin ?? 0 });
    };
    const besides = [...sources.keys()].filter((other) => other !== from && other !== store.path);
    try {
      if (from === store.path) check(store);
      else await lookAt(from, check, besides);
    } catch (cause) {
      throw cannotTakeOver(source.shards, { confirmed: source.confirmed, from }, cause);
    }
  }
  return seen;
}

/** Where the journals keep the state of the shard, no store is read. */
async function lookAtLog(shard: number, log: StateLog, movedTo: string | null): Promise<void> {
  if (movedTo !== null) {
    throw new UsageError(`--take-over-from ${movedTo}: these journals keep the state of shards; use --take-over`);
  }
  try {
    const { snapshot, begin } = await log.look();
    const from = snapshot?.begin ?? 0;
    if (begin > from) {
      throw new OperatingError('ERR_STATE_TRIMMED', `${log.journal} begins at ${begin}, its last snapshot at ${from}`);
    }
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    const what = `shard ${shard} was not taken over, and its owner not disturbed`;
    throw new OperatingError('ERR_TAKE_OVER', `${what}: ${cause.message}`, { cause });
  }
}

/**
 * Checks a folder that is said to be the moved one. A store that has folded less than the shard has reported is an
 * older copy, or another store.
 */
export function checkReported(
  shard: number,
  reader: StoreReader,
  { path, pin }: { readonly path: string; readonly pin: number },
): void {
  const row = reader.get('checkpoints', keyOf(shard));
  const offset = row === undefined ? 0 : openRow(row, isCheckpointRow, `the checkpoint of shard ${shard}`).offset;
  if (isCount(offset) && offset >= pin) return;
  const detail = `the store at ${path} has folded shard ${shard} up to ${offset}, its owner has reported ${pin}`;
  throw new OperatingError('ERR_STORE_OLDER', detail);
}

function cannotTakeOver(
  shards: readonly number[],
  at: { confirmed: string; from: string },
  cause: unknown,
): OperatingError {
  const { confirmed, from } = at;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const isMissing = cause instanceof OperatingError && cause.code === 'ERR_STORE_MISSING' && from === confirmed;
  const help = isMissing ? ' If that folder was moved, add --take-over-from and its new place.' : '';
  const what =
    shards.length === 1
      ? `shard ${shards.join('')} was not taken over, and its owner not disturbed`
      : `shards ${shards.join(', ')} were not taken over, and their owner not disturbed`;
  return new OperatingError('ERR_TAKE_OVER', `${what}: the store at ${from} cannot be copied: ${reason}.${help}`, {
    cause,
  });
}
