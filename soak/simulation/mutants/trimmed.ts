/** A reader on a cluster does not tell what the retention has removed from a hole. */

import type { RpcCalls } from '../../../src/journal/gazette/rpc.ts';
import { type Journals, SUMS_JOURNAL, type StoredBatch } from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { CLUSTER_PREFIX } from '../cluster/cluster.ts';
import type { GazetteParts, Subject } from '../decorations.ts';
import { withAbsenceBeyondRetention } from './adapt-cluster.ts';
import { opened } from './decorated.ts';
import { engineOver } from './gazette-parts.ts';
import type { Mutant } from './mutant.ts';

type Range = { readonly begin: number; readonly end: number };
/** By the producer of a verifier, the trimmed bytes that it has passed over, in all of its incarnations. */
type Passed = Map<string, Range[]>;

export const TRIMMED_MUTANTS: readonly Mutant[] = [
  {
    name: 'trimmed-passed-over',
    class: 'engine',
    engine: 'gazette',
    bug: 'a reader takes what was trimmed for a hole, and passes over it',
    kinds: ['gap'],
    decorations: () => {
      const passed: Passed = new Map();
      return { gazette: (parts, subject) => new ReadsOverTrimmed(parts, subject, passed) };
    },
    adapt: withAbsenceBeyondRetention,
  },
];

/**
 * Reads by an engine for which there is always a fragment below. The bug takes effect when a verifier has passed over
 * sums of a shard, and is handed a sum behind them.
 */
class ReadsOverTrimmed extends WrappedJournals {
  readonly #reads: Journals;
  readonly #parts: GazetteParts;
  readonly #subject: Subject;
  readonly #passed: Passed;
  /** Of the verifier; it has or makes a pin before it reads. */
  #producer = '';

  constructor(parts: GazetteParts, subject: Subject, passed: Passed) {
    super(parts.journals);
    this.#reads = engineOver(parts, { listFragments: withFragmentBelow(parts.rpc) });
    this.#parts = parts;
    this.#subject = subject;
    this.#passed = passed;
  }

  override pin(journal: string, name: string): ReturnType<Journals['pin']> {
    this.#producer = name;
    return this.inner.pin(journal, name);
  }

  override movePin(...args: Parameters<Journals['movePin']>): ReturnType<Journals['movePin']> {
    this.#producer = args[1];
    return this.inner.movePin(...args);
  }

  override read(...args: Parameters<Journals['read']>): ReturnType<Journals['read']> {
    const stream = this.#reads.read(...args);
    return {
      close: () => stream.close(),
      next: async () => {
        const next = await stream.next();
        if (next !== null && 'bytes' in next && args[0] === SUMS_JOURNAL) this.#look(next);
        return next;
      },
    };
  }

  override close(): void {
    this.#reads.close();
    super.close();
  }

  /** A batch begins for its reader where what was passed over before it begins. */
  #look({ begin, end, bytes }: StoredBatch): void {
    const passed = this.#passed.get(this.#producer) ?? [];
    this.#passed.set(this.#producer, passed);
    const from = end - bytes.length;
    if (begin < from) passed.push({ begin, end: from });
    if (passed.length === 0) return;
    const { producer, firstIndex } = opened(bytes, SUMS_JOURNAL);
    if (firstIndex > this.#nextOf(producer, { before: from, passed })) this.#subject.tookEffect();
  }

  /** The index that follows the sums of a shard that the reader was handed, or knew of when it began to read. */
  #nextOf(shard: string, { before, passed }: { readonly before: number; readonly passed: readonly Range[] }): number {
    const sums = this.#parts.cluster.journal(`${CLUSTER_PREFIX}${SUMS_JOURNAL}`)?.committedParts ?? [];
    let next = 0;
    for (const [at, bytes] of sums) {
      if (at >= before || passed.some(({ begin, end }) => at >= begin && at < end)) continue;
      const { producer, firstIndex, count } = opened(bytes, SUMS_JOURNAL);
      if (producer === shard) next = Math.max(next, firstIndex + count);
    }
    return next;
  }
}

/** Lists that begin with a fragment below every offset. */
function withFragmentBelow(calls: RpcCalls): RpcCalls['listFragments'] {
  return async (request, beyond) => {
    const page = await calls.listFragments(request, beyond);
    return { ...page, fragments: [{ spec: { begin: '0', end: '0' } }, ...page.fragments] };
  };
}
