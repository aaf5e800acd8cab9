/**
 * Loses a broker while only one of its peers has an append of its, and then that peer, before it has persisted the
 * append. Nobody has acknowledged the append. The others know that the journal goes on behind it.
 */

import type { Counters } from '../world/counters.ts';
import type { Kernel } from '../world/kernel.ts';
import { type Broker, isPrimary } from './broker.ts';
import type { SimulatedCluster } from './cluster.ts';
import type { Journal } from './journal.ts';

/** Messages take less than this many times their longest time to be taken. */
const TAKEN_MESSAGES = 4;
const AGAIN_NS = 2e6;

export type LossInTurnOptions = {
  readonly cluster: SimulatedCluster;
  readonly kernel: Kernel;
  readonly counters: Counters;
  /** The one that dies first. */
  readonly broker: Broker;
  readonly downMs: number;
  readonly effective: () => void;
};

export class LossInTurn {
  readonly #options: LossInTurnOptions;
  readonly #life: number;

  constructor(options: LossInTurnOptions) {
    this.#options = options;
    this.#life = options.broker.life;
  }

  /** Waits for an append. */
  begin(): void {
    const { broker } = this.#options;
    broker.whenAppending = () => this.#cutOff();
  }

  /** The last member of a journal hears nothing of the append. */
  #cutOff(): void {
    const { cluster, kernel, broker } = this.#options;
    const { network } = cluster;
    const led = cluster.journals.find(({ route }) => isPrimary(route, broker.ref) && route.members.length > 2);
    const deaf = led?.route.members.at(-1)?.broker;
    if (deaf === undefined || !cluster.canLose) return void kernel.after(AGAIN_NS, () => this.#again());
    const cut = { from: (name: string) => name === broker.name, to: (name: string) => name === deaf.name };
    network.cut(cut);
    kernel.after(TAKEN_MESSAGES * network.messageNs, () => {
      network.mend(cut);
      const half = cluster.journals.map((journal) => this.#holderOf(journal, deaf)).find((found) => found !== null);
      if (half === undefined || half === null) return this.#again();
      cluster.crash(broker, this.#options.downMs);
      this.#loseNext(half.journal, half.holder);
    });
  }

  #again(): void {
    const { broker } = this.#options;
    if (broker.isUp && broker.life === this.#life) this.begin();
  }

  /** The one peer that has an append that the deaf member lacks. */
  #holderOf(journal: Journal, deaf: Broker): { readonly journal: Journal; readonly holder: Broker } | null {
    const { broker } = this.#options;
    const { members } = journal.route;
    if (!isPrimary(journal.route, broker.ref) || !members.some((member) => member.broker === deaf)) return null;
    const { end } = deaf.replica(journal.name);
    const holders = members
      .map((member) => member.broker)
      .filter((member) => member !== broker && member.replica(journal.name).end > end);
    const [holder] = holders;
    return holder === undefined || holders.length > 1 ? null : { journal, holder };
  }

  /** As soon as the others know where the journal goes on, the last holder dies. */
  #loseNext(journal: Journal, holder: Broker): void {
    const { cluster, kernel, counters, downMs, broker, effective } = this.#options;
    const isAgreed = journal.syncedRevision >= journal.route.revision && !this.#isMember(journal, broker);
    if (!isAgreed || !holder.isUp) return void kernel.after(AGAIN_NS, () => this.#loseNext(journal, holder));
    const { chain, has } = holder.replica(journal.name);
    const last = chain.findLast((segment) => has.has(segment));
    const isHole = last !== undefined && !journal.isStored(last);
    cluster.crash(holder, downMs);
    if (isHole) counters.count('brokers lost in turn left a hole');
    effective();
  }

  #isMember({ route }: Journal, broker: Broker): boolean {
    return route.members.some((member) => member.broker === broker && member.life === this.#life);
  }
}
