/**
 * One read as a broker serves it: from the member that it asks, in pieces of any size, across the ends of appends but
 * never beyond what that member has. It may end anywhere.
 */

import type { Prng } from '../../../src/core/prng.ts';
import { STATUS } from '../../../src/journal/gazette/status.ts';
import type * as wire from '../../../src/journal/gazette/wire.ts';
import type { Counters } from '../world/counters.ts';
import type { Kernel } from '../world/kernel.ts';
import { type Ref, isRunning } from './broker.ts';
import { type Served, UNAVAILABLE } from './cluster-network.ts';
import type { SimulatedCluster } from './cluster.ts';
import type { Journal } from './journal.ts';
import { segmentAt } from './replica.ts';

const PIECE_BYTES = 32_736;
/** One in so many pieces is the last one of its read. */
const ENDS_ONE_OF = 400;
/** While something is missing or stopped, it is looked for again. */
const AGAIN_NS = 250e6;
const NO_BYTES = Buffer.alloc(0);

/** The client's side of flow control. */
export type Flow = { isPaused: boolean; wake: (() => void) | null };

export type ReadingOptions = {
  readonly cluster: SimulatedCluster;
  readonly kernel: Kernel;
  readonly counters: Counters;
  readonly prng: Prng;
  readonly served: Served<wire.ReadResponse>;
  readonly flow: Flow;
  /** The broker that the client asks. */
  readonly at: Ref;
  readonly journal: Journal;
  readonly offset: number;
};

export class Reading {
  readonly #options: ReadingOptions;
  readonly #source: Ref;
  #offset: number;
  #isFirst = true;

  constructor(options: ReadingOptions) {
    this.#options = options;
    this.#offset = options.offset;
    this.#source = sourceOf(options);
  }

  /** Sends until the call is over. */
  run(): void {
    const { kernel, served, at, flow, cluster, journal, prng } = this.#options;
    const { broker } = this.#source;
    const again = (delayNs: number): void => void kernel.after(delayNs, () => this.run());
    if (served.call.isOver) return;
    if (!isRunning(at)) return;
    if (!isRunning(this.#source)) return cluster.network.refused(served.call, 'the member was lost (simulated)');
    const isStopped = broker.isPaused || at.broker.isPaused;
    if (isStopped || !cluster.network.isOpen(broker.name, at.broker.name)) return again(AGAIN_NS);
    if (flow.isPaused) {
      flow.wake = () => again(0);
      return;
    }
    const replica = broker.replica(journal.name);
    const looked = cluster.lookedNs(broker);
    if (this.#offset < journal.begin && this.#offset >= journal.beginAt(looked)) {
      return cluster.network.refused(served.call, 'the fragment is not in the store (simulated)');
    }
    if (this.#offset < journal.begin) this.#jump();
    const piece = this.#piece();
    if (piece === null) {
      if (this.#offset < replica.end) return again(AGAIN_NS);
      return broker.whenChanged(journal.name, () => again(0));
    }
    const header = this.#isFirst ? cluster.headerOf(this.#source) : null;
    const rest = { write_head: String(replica.end), fragment: null };
    if (this.#isFirst) {
      served.message({ status: STATUS.OK, header, offset: String(this.#offset), content: NO_BYTES, ...rest });
      this.#isFirst = false;
    }
    served.message({ status: STATUS.OK, header: null, offset: String(this.#offset), content: piece, ...rest });
    this.#offset += piece.length;
    if (prng.below(ENDS_ONE_OF) === 0) return this.#breaks();
    again(prng.below(1e6));
  }

  /** Below all that the source knows of: to the first fragment of the store. What only spools have is waited for. */
  #jump(): void {
    const { journal, cluster, counters } = this.#options;
    const first = journal.firstOf(this.#source, cluster.lookedNs(this.#source.broker));
    if (first.isStored) this.#offset = first.begin;
    counters.count(first.isStored ? 'read jumped over what was trimmed' : 'read waited below what was trimmed');
  }

  #breaks(): void {
    const { served, cluster, counters, journal } = this.#options;
    const segment = segmentAt(this.#source.broker.replica(journal.name).chain, this.#offset);
    let boundary = segment?.begin ?? this.#offset;
    for (const { length } of segment?.parts ?? []) if (boundary < this.#offset) boundary += length;
    if (boundary !== this.#offset) counters.count('read ended inside of a batch');
    cluster.network.refused(served.call, `the read was broken off with ${UNAVAILABLE} (simulated)`);
  }

  /** What the source has from the offset on; null: nothing now. */
  #piece(): Buffer | null {
    const { journal, cluster, prng } = this.#options;
    const { broker } = this.#source;
    const { chain, has } = broker.replica(journal.name);
    const own = segmentAt(chain, this.#offset);
    if (this.#offset < journal.begin) return null;
    const segment =
      own !== null && has.has(own) ? own : journal.storedAt(this.#offset, this.#source, cluster.lookedNs(broker));
    if (segment === null) return null;
    journal.served(segment);
    const bytes = Buffer.concat(segment.parts).subarray(this.#offset - segment.begin);
    const most = Math.min(bytes.length, PIECE_BYTES);
    return bytes.subarray(0, prng.below(2) === 0 ? most : 1 + prng.below(most));
  }
}

/** Any member of the journal's route, or the broker itself where it is one. */
function sourceOf({ at, journal, prng }: ReadingOptions): Ref {
  const { members = [] } = at.broker.routes.get(journal.name) ?? {};
  const own = members.find(({ broker, life }) => broker === at.broker && life === at.life);
  return own ?? members[prng.below(Math.max(1, members.length))] ?? at;
}
