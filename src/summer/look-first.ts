/**
 * What a takeover looks at before it raises the epoch: the raise ends the present owner, who may be well. Looking is
 * a check only. What is copied is read anew after the raise, for nothing that was read before it counts.
 *
 * Rule P-TAKE-2 of docs/protocol.md.
 */

import { isCount } from '../core/assert.ts';
import { OperatingError } from '../core/errors.ts';
import type { Journals } from '../journal/journals.ts';
import { keyOf, openRow } from '../store/row.ts';
import type { Store, StoreReader } from '../store/store.ts';
import { isCheckpointRow } from './rows.ts';

/**
 * Tries to read the summer store in another folder, as a takeover will: that it is there, that it can be read, that
 * there is room for a copy of it and for what is kept of it and of the stores `besides`. `check` gets the store,
 * unless its process commits too fast for that. Throws what is in the way.
 */
export type LookAt = (
  path: string,
  check: (reader: StoreReader) => unknown,
  besides: readonly string[],
) => Promise<void>;

/** A shard as it was looked at. */
export type Seen = {
  readonly epoch: number;
  readonly confirmed: string | null;
  /** What the shard has reported as durably folded: no store that speaks for it has less. */
  readonly pin: number;
};

export type LookOptions = {
  readonly journals: Journals;
  readonly store: Store;
  readonly lookAt: LookAt;
  /** Where the folder of the confirmed store was moved to; null: it is where it was. */
  readonly movedTo: string | null;
};

/**
 * Looks at every shard that is to be taken over, each store once, and gives them by number. Throws an OperatingError
 * that says what helps when one of them could not be taken over; nothing has changed then.
 */
export async function lookFirst(shards: readonly number[], options: LookOptions): Promise<ReadonlyMap<number, Seen>> {
  const { journals, store, lookAt, movedTo } = options;
  const { shards: infos } = await journals.list();
  const seen = new Map<number, Seen>();
  /** By the store whose rows will be copied. */
  const sources = new Map<string, { confirmed: string; shards: number[] }>();
  for (const shard of shards) {
    const info = infos.find((candidate) => candidate.shard === shard);
    const { epoch = 0, confirmed = null, pin = 0 } = info ?? {};
    seen.set(shard, { epoch, confirmed, pin });
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

/**
 * Of a folder that is said to be the one that was moved: a store that has folded less than the shard has reported is an
 * older copy of it, or another one.
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
