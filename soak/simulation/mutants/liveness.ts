/**
 * Correct messages that never come, or not in time. The stall covers all incarnations of a summer, so that no restart
 * heals it.
 */

import {
  type AppendOutcome,
  type Journals,
  type ReadEnd,
  type ReadStream,
  SUMS_JOURNAL,
  type ShardEpoch,
  type StoredBatch,
} from '../../../src/journal/journals.ts';
import { type Log, safeLog } from '../../../src/core/log.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { decodeChunks } from '../../../src/message/chunk.ts';
import { ProcessEnd, type ProcessEndOptions } from '../../../src/component/process-end.ts';
import type { Store, Write } from '../../../src/store/store.ts';
import type { PrepareSummerOptions } from '../../../src/summer/prepare-summer.ts';
import type { Decorations, Subject } from '../decorations.ts';
import { SHORT_SLA_MS, withLateBrokerCrash, withShortSla } from './adapt.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import { opened } from './decorated.ts';
import type { Mutant } from './mutant.ts';

/** Longer than the SLA of a plan with a short SLA. */
const STALL_MS = SHORT_SLA_MS + 20_000;
/** When it begins, on the clock of a schedule. */
const WARM_UP_MS = 3_000;

export const LIVENESS_MUTANTS: readonly Mutant[] = [
  {
    name: 'log-in-the-way',
    class: 'liveness',
    bug: 'a summer whose log cannot be written does not connect again, and does not end either',
    kinds: ['lost', 'late'],
    decorations: () => ({
      log: (raw, { component, tookEffect }) => (component === 'summer' ? telling(raw, tookEffect) : safeLog(raw)),
      end: (options, { component }) =>
        component === 'summer' ? new EndThatLogsFirst(options) : new ProcessEnd(options),
    }),
    adapt: (plan) => withLateBrokerCrash({ ...withShortSla(plan), logFailsPart: 1 }),
  },
  {
    name: 'fold-stalls',
    class: 'liveness',
    bug: 'a summer folds nothing of a shard for longer than the SLA',
    kinds: ['lost', 'late'],
    decorations: () =>
      stalled(STALL_MS, (options, stall) => ({ ...options, journals: new StallingReads(options.journals, stall) })),
    adapt: withShortSla,
  },
  {
    name: 'reader-stops',
    class: 'liveness',
    bug: 'the reader of a shard takes no batch any more, and so grants no credit',
    kinds: ['lost', 'late'],
    decorations: () =>
      stalled(null, (options, stall) => ({ ...options, journals: new StallingReads(options.journals, stall) })),
    adapt: withShortSla,
  },
  {
    name: 'sums-not-sent',
    class: 'liveness',
    bug: 'finished and committed sums of a shard wait for ever to be sent',
    kinds: ['lost', 'late'],
    decorations: () =>
      stalled(null, (options, stall) => ({ ...options, journals: new StallingAppends(options.journals, stall) })),
    adapt: withShortSla,
  },
  {
    name: 'commit-hangs',
    class: 'liveness',
    bug: 'a transaction with finished sums of a shard never ends',
    kinds: ['lost', 'late'],
    decorations: () =>
      stalled(null, (options, stall) => ({ ...options, store: new StallingStore(options.store, stall) })),
    adapt: withShortSla,
  },
];

/** Makes the summer that has finished a file of the one shard wait. All others go on at once. */
type Stall = (shard: number) => Promise<void>;

/** `durationMs` null: for ever. Takes effect when something has waited for longer than the SLA. */
function stalled(
  durationMs: number | null,
  decorate: (options: PrepareSummerOptions, stall: Stall) => PrepareSummerOptions,
): Decorations {
  let begun: { readonly shard: number; readonly atNs: number } | null = null;
  return {
    summer: (options, subject) => {
      const startNs = options.clock.nowNs();
      return decorate(options, (shard) => {
        const nowNs = options.clock.nowNs();
        if (begun === null && nowNs - startNs >= WARM_UP_MS * 1e6) begun = { shard, atNs: nowNs };
        if (begun?.shard !== shard) return Promise.resolve();
        return wait(options, subject, {
          leftMs: STALL_MS - (nowNs - begun.atNs) / 1e6,
          isForEver: durationMs === null,
        });
      });
    },
  };
}

function wait(
  { clock }: PrepareSummerOptions,
  { tookEffect }: Subject,
  { leftMs, isForEver }: { leftMs: number; isForEver: boolean },
): Promise<void> {
  if (leftMs <= 0 && !isForEver) return Promise.resolve();
  // Just before the checkers find it.
  clock.after(Math.max(0, leftMs - STALL_MS + SHORT_SLA_MS - 1_000), tookEffect);
  return new Promise((resolve) => {
    if (!isForEver) clock.after(leftMs, resolve);
  });
}

class StallingReads extends WrappedJournals {
  readonly #stall: Stall;

  constructor(inner: Journals, stall: Stall) {
    super(inner);
    this.#stall = stall;
  }

  override read(journal: string, offset: number, options: { creditBytes: number; owner?: ShardEpoch }): ReadStream {
    const stream = super.read(journal, offset, options);
    const { owner } = options;
    const next = async (): Promise<StoredBatch | ReadEnd | null> => {
      const read = await stream.next();
      if (owner !== undefined && read !== null && 'bytes' in read && endsFile(journal, read))
        await this.#stall(owner.shard);
      return read;
    };
    return { next, close: () => stream.close() };
  }
}

function endsFile(journal: string, { bytes }: StoredBatch): boolean {
  const batch = opened(bytes, journal);
  return batch.kind === 'chunks' && (decodeChunks(batch.payload) ?? []).some(({ data }) => data.length === 0);
}

class StallingAppends extends WrappedJournals {
  readonly #stall: Stall;

  constructor(inner: Journals, stall: Stall) {
    super(inner);
    this.#stall = stall;
  }

  override async append(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    if (journal === SUMS_JOURNAL && owner !== undefined) await this.#stall(owner.shard);
    return super.append(journal, batch, owner);
  }
}

class StallingStore extends WrappedStore {
  readonly #stall: Stall;

  constructor(inner: Store, stall: Stall) {
    super(inner);
    this.#stall = stall;
  }

  override async commit(writes: readonly Write[]): Promise<void> {
    for (const { table, key, value } of writes) {
      if (table === 'outbox' && value !== null) await this.#stall(key.readUInt32BE(0));
    }
    return super.commit(writes);
  }
}

/** The raw log: its errors reach the caller. */
function telling(raw: Log, tookEffect: () => void): Log {
  const info: Log['info'] = (fields, message) => {
    try {
      raw.info(fields, message);
    } catch (error) {
      // From here on this session is not replaced.
      if (message === 'reconnecting') tookEffect();
      throw error;
    }
  };
  return { ...raw, info };
}

/** Ends a process by logging first: a log that throws keeps it from its exit, and it does not end twice. */
class EndThatLogsFirst {
  readonly #options: ProcessEndOptions;
  #isEnding = false;

  constructor(options: ProcessEndOptions) {
    this.#options = options;
  }

  fail(error: unknown): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#options.log.fatal({}, String(error));
    new ProcessEnd(this.#options).fail(error);
  }
}
