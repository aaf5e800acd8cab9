/**
 * A cluster of simulated brokers and its etcd: leases, routes and the fragment store. Appends are in `appends.ts`.
 * What real brokers do is in `soak/ENGINES.md`; what of it is simulated, in `soak/SIMULATION.md`.
 */

import { Prng } from '../../../src/core/prng.ts';
import { STATUS } from '../../../src/journal/gazette/status.ts';
import type * as wire from '../../../src/journal/gazette/wire.ts';
import { SUMS_JOURNAL, chunkJournal, stateJournal } from '../../../src/journal/journals.ts';
import { Absences } from './absences.ts';
import { type AppendReply, Appends } from './appends.ts';
import type { ClusterPlan } from './member-fault.ts';
import type { Counters } from '../world/counters.ts';
import type { Kernel } from '../world/kernel.ts';
import { Broker, type Ref, isPrimary, isRunning, isSameRef } from './broker.ts';
import { type Call, type ClusterNetwork, UNAVAILABLE, grpcError } from './cluster-network.ts';
import { SimulatedEtcd } from './etcd.ts';
import { type CommittedBatch, Journal } from './journal.ts';
import { Peers } from './peers.ts';
import type { Segment } from './replica.ts';
import { Trimming, type TrimmingOptions } from './trimming.ts';

export const CLUSTER_PREFIX = 'stream-sum/';
const CLUSTER_ID = '11';
const TICK_MS = 500;
/** Until a broker has heard of a new route, at most. */
const HEARD_NS = 300e6;
/** How often brokers look at the fragment store. */
const REFRESH_NS = 10e9;
/** After members were found to differ: until the primary, or another one, has uploaded what it holds. */
const UPLOAD_NS = 500e6;
const LATE_UPLOAD_NS = 15e9;
const CLUSTER = 0x636c7573;

export type ClusterOptions = {
  readonly plan: ClusterPlan;
  readonly partitions: number;
  readonly seed: number;
  readonly kernel: Kernel;
  readonly network: ClusterNetwork;
  readonly counters: Counters;
  readonly onCommitted: (journal: number, batch: CommittedBatch) => void;
  readonly onEtcd: (key: string, value: Buffer | null) => void;
  /** The journal is trimmed up to its begin, by so many batches or entries. */
  readonly onTrimmed: (journal: number, begin: number, count: number) => void;
};

type Registered = { readonly ref: Ref; leasedNs: number };

export class SimulatedCluster {
  readonly network: ClusterNetwork;
  readonly etcd: SimulatedEtcd;
  readonly brokers: readonly Broker[];
  readonly journals: readonly Journal[];
  readonly absences: Absences;
  readonly #options: ClusterOptions;
  readonly #prng: Prng;
  readonly #peers: Peers;
  readonly #appends: Appends;
  readonly #byName: ReadonlyMap<string, Journal>;
  #registered: Registered[] = [];
  #revision = 1;
  isStopped = false;

  constructor(options: ClusterOptions) {
    const { plan, partitions, seed, kernel, network, counters, onCommitted, onEtcd } = options;
    this.#options = options;
    this.network = network;
    const limitMs = plan.forgetsAbsent === true ? plan.retentionMs : undefined;
    this.absences = new Absences({ limitMs: limitMs ?? Number.POSITIVE_INFINITY, nowNs: () => kernel.nowNs });
    this.#prng = Prng.fromSeed(CLUSTER, seed);
    this.#peers = new Peers({
      kernel,
      network,
      persistAfterRoll: (journal, members) => this.#persistAfterRoll(journal, members),
    });
    this.#appends = new Appends({
      replication: plan.replication,
      kernel,
      network,
      counters,
      peers: this.#peers,
      headerOf: (ref) => this.headerOf(ref),
    });
    this.etcd = new SimulatedEtcd({ network, counters, seed, onChanged: onEtcd });
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    const names = [...numbers.map(chunkJournal), SUMS_JOURNAL, ...numbers.map(stateJournal)];
    this.journals = names.map(
      (name, number) =>
        new Journal({
          name: `${CLUSTER_PREFIX}${name}`,
          number,
          hasBatches: number <= partitions,
          onCommitted,
          onRepeated: (records) => counters.count('record stored twice', records),
          onServedInVain: () => counters.count('bytes served that never became part of the journal'),
        }),
    );
    this.#byName = new Map(this.journals.map((journal) => [journal.name, journal]));
    this.brokers = Array.from(
      { length: plan.brokers },
      (_, index) => new Broker(`broker-${index + 1}`, { network, keepsId: plan.keepsIds }),
    );
  }

  start(): void {
    for (const broker of this.brokers) this.startBroker(broker);
    this.#allocate();
    this.#tell();
    this.#tick();
    const { plan, partitions, kernel, onTrimmed } = this.#options;
    const { retentionMs } = plan;
    if (retentionMs === undefined) return;
    const told: TrimmingOptions['onTrimmed'] = ({ number, begin }, removed) =>
      onTrimmed(
        number,
        begin,
        removed.reduce((sum, { parts }) => sum + parts.length, 0),
      );
    new Trimming({ cluster: this, prefix: CLUSTER_PREFIX, partitions, kernel, retentionMs, onTrimmed: told }).tick();
  }

  stop(): void {
    this.isStopped = true;
  }

  startBroker(broker: Broker): void {
    if (broker.isUp) return;
    broker.start(this.#nowNs);
    this.#register(broker);
  }

  journal(name: string): Journal | undefined {
    return this.#byName.get(name);
  }

  broker(name: string): Broker | undefined {
    return this.brokers.find((broker) => broker.name === name);
  }

  /** Whether every broker is there, and every route has agreed with as many members as it needs. */
  get isWhole(): boolean {
    return (
      this.brokers.every(
        (broker) => broker.isUp && !broker.isPaused && !broker.isLeaving && this.#isRegistered(broker.ref),
      ) &&
      this.#registered.length === this.brokers.length &&
      this.journals.every(
        ({ route, syncedRevision }) =>
          route.members.length === this.#options.plan.replication &&
          syncedRevision === route.revision &&
          route.members.every(isRunning),
      )
    );
  }

  /** Whether every other broker is there. */
  areOthersUp(one: Broker): boolean {
    return this.brokers.every((broker) => broker === one || (broker.isUp && !broker.isPaused));
  }

  /** Whether a broker can be lost without anything that was committed. */
  get canLose(): boolean {
    return this.isWhole && this.journals.every((journal) => this.#isSafe(journal));
  }

  #isSafe(journal: Journal): boolean {
    const holders = new Map<Segment, number>();
    let chain: readonly Segment[] = [];
    for (const { broker } of journal.route.members) {
      const replica = broker.replica(journal.name);
      if (replica.chain.length > chain.length) ({ chain } = replica);
      for (const segment of replica.has) holders.set(segment, (holders.get(segment) ?? 0) + 1);
    }
    const kept = chain.filter((segment) => journal.isCommitted(segment));
    return kept.every((segment) => (holders.get(segment) ?? 0) > 1 || journal.isStored(segment));
  }

  get #nowNs(): number {
    return this.#options.kernel.nowNs;
  }

  // --- leases and routes ---

  #tick(): void {
    if (this.isStopped) return;
    const leaseNs = this.#options.plan.leaseMs * 1e6;
    const isAvailable = this.etcd.isAvailable;
    for (const broker of this.brokers) {
      if (!broker.isUp || broker.isPaused) continue;
      if (!this.etcd.isReachable(broker.name)) this.network.misses(broker.name);
      else if (this.#isRegistered(broker.ref)) this.#keepAlive(broker);
      if (isAvailable && this.#nowNs - broker.leasedNs > leaseNs) this.#endsByItself(broker);
      else if (!this.#isRegistered(broker.ref)) this.#register(broker);
    }
    // An etcd without a leader lets nothing expire.
    if (!isAvailable) for (const { ref } of this.#registered) this.#renew(ref);
    this.#registered = this.#registered.filter(({ leasedNs }) => this.#nowNs - leasedNs <= leaseNs);
    this.#allocate();
    this.#tell();
    this.#leave();
    this.#options.kernel.after(TICK_MS * 1e6, () => this.#tick());
  }

  #keepAlive(broker: Broker): void {
    broker.leasedNs = this.#nowNs;
    this.#renew(broker.ref);
  }

  #renew({ broker, life }: Ref): void {
    const found = this.#registered.find(({ ref }) => ref.broker === broker && ref.life === life);
    if (found !== undefined) found.leasedNs = this.#nowNs;
    if (found !== undefined) broker.leasedNs = Math.max(broker.leasedNs, broker.life === life ? this.#nowNs : 0);
  }

  /** A broker that has lost its lease ends, and is started again. */
  #endsByItself(broker: Broker): void {
    this.#options.counters.count('broker ended without its lease');
    this.crash(broker, 200 + this.#prng.below(2_000));
  }

  crash(broker: Broker, downMs: number): void {
    if (!broker.isUp) return;
    broker.crash();
    this.#options.kernel.after(downMs * 1e6, () => this.startBroker(broker));
  }

  #isRegistered({ broker, life }: Ref): boolean {
    return this.#registered.some(({ ref }) => ref.broker === broker && ref.life === life);
  }

  /** An id is free again when the lease of its last process has ended. */
  #register(broker: Broker): void {
    if (!this.etcd.isReachable(broker.name)) return;
    const { plan } = this.#options;
    if (plan.keepsIds && this.#registered.some(({ ref }) => ref.broker === broker)) {
      broker.leasedNs = this.#nowNs;
      return;
    }
    broker.leasedNs = this.#nowNs;
    this.#registered.push({ ref: broker.ref, leasedNs: this.#nowNs });
  }

  #allocate(): void {
    if (!this.etcd.isAvailable) return;
    const load = new Map<Broker, number>();
    for (const { route } of this.journals) {
      for (const { broker } of route.members) load.set(broker, (load.get(broker) ?? 0) + 1);
    }
    for (const journal of this.journals) {
      const members = this.#membersOf(journal, load);
      const { members: before } = journal.route;
      const isSame = members.length === before.length && members.every((ref, index) => isSameRef(ref, before[index]));
      if (isSame) continue;
      for (const { broker } of members) load.set(broker, (load.get(broker) ?? 0) + 1);
      this.#revision += 1;
      journal.route = { revision: this.#revision, members };
    }
  }

  #membersOf({ route, syncedRevision }: Journal, load: ReadonlyMap<Broker, number>): readonly Ref[] {
    const { replication } = this.#options.plan;
    const current = route.members.filter((ref) => this.#isRegistered(ref));
    const staying = current.filter(({ broker, life }) => !(broker.isLeaving && broker.life === life));
    const added = this.#registered
      .map(({ ref }) => ref)
      .filter((ref) => !ref.broker.isLeaving && !current.some((member) => member.broker === ref.broker))
      .toSorted((a, b) => (load.get(a.broker) ?? 0) - (load.get(b.broker) ?? 0))
      .slice(0, Math.max(0, replication - staying.length));
    if (added.length > 0) return [...current, ...added];
    const isReplaced = staying.length >= replication && syncedRevision >= route.revision;
    return isReplaced ? staying.slice(0, replication) : current;
  }

  /** Every broker that reaches etcd hears of the routes. */
  #tell(): void {
    for (const broker of this.brokers) {
      if (!broker.isUp || !this.etcd.isReachable(broker.name)) continue;
      const isBehind = this.journals.some(({ name, route }) => broker.routes.get(name)?.revision !== route.revision);
      if (!isBehind) continue;
      const { life } = broker;
      this.#options.kernel.after(this.#prng.below(HEARD_NS), () =>
        broker.handle(
          life,
          () => this.#hears(broker),
          () => {},
        ),
      );
    }
  }

  #hears(broker: Broker): void {
    for (const journal of this.journals) {
      const { name, route } = journal;
      if (broker.routes.get(name)?.revision === route.revision) continue;
      broker.routes.set(name, route);
      const pipeline = broker.pipelines.get(name);
      if (pipeline !== undefined) {
        pipeline.break();
        broker.pipelines.delete(name);
      }
      if (isPrimary(route, broker.ref)) void this.#appends.at(broker.ref, { journal, request: {}, parts: [] });
    }
  }

  /** A broker that leaves ends when every journal has other members. */
  #leave(): void {
    for (const broker of this.brokers) {
      if (!broker.isUp || !broker.isLeaving || broker.isPaused) continue;
      const isMember = ({ route, syncedRevision }: Journal): boolean =>
        route.members.some(({ broker: member }) => member === broker) || syncedRevision < route.revision;
      if (this.journals.some(isMember)) continue;
      for (const journal of this.journals) this.persist(broker.ref, journal);
      this.#registered = this.#registered.filter(({ ref }) => ref.broker !== broker);
      this.#options.counters.count('broker left, and others took over');
      this.crash(broker, 100 + this.#prng.below(1_000));
    }
  }

  // --- the fragment store ---

  persist(ref: Ref, journal: Journal): void {
    if (!isRunning(ref) || ref.broker.isPaused) return;
    journal.store(ref.broker.replica(journal.name).has, ref, this.#nowNs);
  }

  #persistAfterRoll(journal: Journal, members: readonly Ref[]): void {
    for (const [index, member] of members.entries()) {
      const delayNs = index === 0 ? this.#prng.below(UPLOAD_NS) : UPLOAD_NS + this.#prng.below(LATE_UPLOAD_NS);
      this.#options.kernel.after(delayNs, () => this.persist(member, journal));
    }
  }

  /** The last time a broker looked at the store. */
  lookedNs(broker: Broker): number {
    const phaseNs = broker.life * 1e9;
    const looked = Math.floor((this.#nowNs - phaseNs) / REFRESH_NS) * REFRESH_NS + phaseNs;
    return Math.max(looked, broker.startedNs);
  }

  /** Everything is in the store; then every broker dies. The registers are gone with them. */
  crashAll(options: { readonly isFlushed: boolean; readonly downMs: number; readonly resetMs: number }): void {
    for (const broker of this.brokers) {
      if (options.isFlushed) for (const journal of this.journals) this.persist(broker.ref, journal);
      this.crash(broker, options.downMs + this.#prng.below(1_000));
    }
    this.#options.kernel.after(options.resetMs * 1e6, () => this.#resetHeads());
  }

  /** What an operator does: each journal goes on behind what the store has. */
  #resetHeads(): void {
    if (!this.isThere) return void this.#options.kernel.after(1e9, () => this.#resetHeads());
    for (const journal of this.journals) {
      const { name, storedEnd, stored, route } = journal;
      if (route.members.every(({ broker }) => broker.replica(name).end >= storedEnd)) continue;
      for (const { broker } of route.members) {
        broker.pipelines.get(name)?.break();
        broker.replica(name).follow({ chain: stored, end: storedEnd, registers: new Map() });
      }
    }
  }

  /** Whether every route has all of its members, and each of them knows. */
  get isThere(): boolean {
    const { replication } = this.#options.plan;
    return this.journals.every(
      ({ name, route }) =>
        route.members.length >= replication &&
        route.members.every(
          (ref) => isRunning(ref) && ref.broker.routes.get(name)?.revision === route.revision && !ref.broker.isPaused,
        ),
    );
  }

  // --- appends ---

  /** As a broker answers it, whichever of them is the primary. */
  async append(at: Ref, call: Call, request: wire.AppendRequest, parts: readonly Buffer[]): Promise<AppendReply> {
    const journal = this.#byName.get(request.journal ?? '');
    if (journal === undefined) return this.#appends.status(STATUS.JOURNAL_NOT_FOUND, at);
    const [primary] = at.broker.routes.get(journal.name)?.members ?? [];
    if (primary === undefined) return this.#appends.status(STATUS.NO_JOURNAL_PRIMARY_BROKER, at);
    const asked = { journal, request, parts, call };
    const reply = await this.#peers.remote(at, primary, () => this.#appends.at(primary, asked));
    return reply ?? { error: grpcError(UNAVAILABLE, 'the primary is away (simulated)') };
  }

  /** Whether the producer has a pin in the sums journal. */
  hasPin(producer: string): boolean {
    const key = Buffer.from(`/${CLUSTER_PREFIX}pins/${SUMS_JOURNAL}/${producer}`);
    return this.etcd.range({ key }).kvs.length > 0;
  }

  headerOf({ broker, life }: Ref): wire.Header {
    const etcd = { cluster_id: CLUSTER_ID, revision: String(this.#revision) };
    return { process_id: broker.idOf(life), route: null, etcd };
  }
}
