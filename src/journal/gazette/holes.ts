/**
 * Finds out whether bytes that no broker serves are a hole, and where it ends, or were trimmed.
 *
 * An append that was half committed may leave a hole: the brokers that had it are gone, and the journal goes on behind
 * it. An append that was acknowledged was on all replicas. So a hole is one of these only after all replicas were lost
 * within the time that they need to persist it. Its records are then missing for the readers behind the hole, who end
 * with `gap`. What was not acknowledged is sent again by its producer, and stands behind the hole.
 *
 * A hole is proven when in each look for long enough
 *
 * - every broker that has acknowledged the barrier of the look lists its fragments, and each broker that answers has
 *   none that covers the offset;
 * - the lists agree where the next fragment begins, or that the journal ends there. Appends are atomic, and a fragment
 *   begins with one of them: so a batch begins there.
 *
 * Long enough is twice the time after which brokers look at the fragment store. A broker that has persisted something
 * and was replaced is seen by the others within that time.
 *
 * When in each look nobody has a fragment below the offset either, the journal was trimmed beyond it. One broker alone
 * does not prove that, although it lets a read jump to the first fragment that it knows: an earlier one may still be on
 * its way to the store. A hole where a journal begins looks the same, and is taken for trimmed.
 */

import type { Clock } from '../../core/clock.ts';
import { ViolationError } from '../../core/errors.ts';
import type { Barrier, Brokers } from './brokers.ts';
import type { RpcCalls } from './rpc.ts';
import { meaningOfError, meaningOfStatus } from './status.ts';
import { numberOf, processName } from './wire.ts';

/** Twice the refresh interval of the journals that `provision.ts` makes. */
export const HOLE_MS = 20_000;

export type HolesOptions = {
  readonly rpc: RpcCalls;
  readonly clock: Clock;
  readonly brokers: Brokers;
  readonly journal: string;
};

/** `hole`: the journal goes on at `end`. `trimmed`: its first fragment begins at `end`. */
export type Missing = { readonly why: 'hole' | 'trimmed'; readonly end: number };

/** What one broker knows of a journal around an offset. `isBelow`: it has something that ends at or below. */
type Known = {
  readonly server: string;
  readonly isBelow: boolean;
  readonly isCovered: boolean;
  readonly next: number;
};

type Seen = Missing & { readonly offset: number; readonly sinceNs: number };

export class Holes {
  readonly #options: HolesOptions;
  #seen: Seen | null = null;
  /** The last hole that the reader has passed over. */
  #passed: { readonly begin: number; readonly end: number } | null = null;

  constructor(options: HolesOptions) {
    this.#options = options;
  }

  /** The reader goes on behind a hole. */
  pass(begin: number, end: number): void {
    const { brokers, journal } = this.#options;
    brokers.passedOver(journal, begin, end);
    this.#passed = { begin: this.beginOf(begin), end };
    this.#seen = null;
  }

  /** Where a batch begins for whoever reads on: at the hole before it, if there is one. */
  beginOf(begin: number): number {
    return this.#passed?.end === begin ? this.#passed.begin : begin;
  }

  /**
   * Looks once. Returns what became of the bytes at the offset; null: it is not proven, or not yet. The last look
   * returns what one broker says, and throws a loss when that explains nothing.
   */
  async look(offset: number, barrier: Barrier, isLast: boolean): Promise<Missing | null> {
    const proven = await this.#prove(offset, barrier);
    if (proven !== null || !isLast) return proven;
    const end = await this.#options.brokers.begin(this.#options.journal);
    if (offset < end) return { why: 'trimmed', end };
    throw this.#lossAt(offset, barrier.end);
  }

  /** The error of a reader that has waited for too long, where no hole is proven. */
  #lossAt(offset: number, end: number): ViolationError {
    const { brokers, journal } = this.#options;
    const detail = `no broker has what is committed from ${offset} on, although the journal ends at ${end}`;
    return new ViolationError('acknowledged-loss', detail, { journal: brokers.nameOf(journal), offset });
  }

  async #prove(offset: number, barrier: Barrier): Promise<Missing | null> {
    const { clock } = this.#options;
    const found = await this.#find(offset, barrier.members);
    if (found === null) {
      this.#seen = null;
      return null;
    }
    const { why } = found;
    const end = Math.min(found.end, barrier.end);
    const nowNs = clock.nowNs();
    const isSame = this.#seen?.offset === offset && this.#seen.end === end && this.#seen.why === why;
    if (!isSame || this.#seen === null) this.#seen = { why, offset, end, sinceNs: nowNs };
    return nowNs - this.#seen.sinceNs >= HOLE_MS * 1e6 ? { why, end } : null;
  }

  /** `end`: where the first fragment behind the offset begins, else infinite. Null: some broker may have more. */
  async #find(offset: number, members: ReadonlySet<string>): Promise<Missing | null> {
    const { brokerCount } = this.#options.rpc;
    const asked = Array.from({ length: brokerCount }, (_, beyond) => this.#ask(offset, beyond));
    const known = (await Promise.all(asked)).filter((each) => each !== null);
    const servers = new Set(known.map(({ server }) => server));
    if (known.some(({ isCovered }) => isCovered)) return null;
    if (members.size === 0 || [...members].some((member) => !servers.has(member))) return null;
    const end = Math.min(...known.map(({ next }) => next));
    return { why: known.some(({ isBelow }) => isBelow) ? 'hole' : 'trimmed', end };
  }

  /** Null: it does not answer. */
  async #ask(offset: number, beyond: number): Promise<Known | null> {
    const { rpc, brokers, journal } = this.#options;
    let server = '';
    let token = '0';
    let isBelow = false;
    try {
      for (;;) {
        const page = await rpc.listFragments({ journal: brokers.nameOf(journal), next_page_token: token }, beyond);
        if (meaningOfStatus(page.status) !== 'done') return null;
        // A list of two brokers is the list of neither.
        const name = processName(page.header?.process_id ?? null);
        if (server !== '' && name !== server) return null;
        server = name;
        for (const { spec } of page.fragments) {
          const [begin, end] = [numberOf(spec?.begin), numberOf(spec?.end)];
          if (begin > offset) return { server, isBelow, isCovered: false, next: begin };
          if (end > offset) return { server, isBelow, isCovered: true, next: begin };
          isBelow = true;
        }
        token = page.next_page_token;
        if (numberOf(token) === 0) return { server, isBelow, isCovered: false, next: Number.POSITIVE_INFINITY };
      }
    } catch (error) {
      // A build of the brokers that has no such list proves nothing either.
      meaningOfError(error);
      return null;
    }
  }
}
