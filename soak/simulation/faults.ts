/** Injects the faults of a plan, heals them, and records when a fault is known to have hit. */

import { Prng } from '../../src/core/prng.ts';
import { FAMILY_OF_KIND } from './fault-families.ts';
import type { Counters } from './world/counters.ts';
import { MemberFaults } from './cluster/member-faults.ts';
import type { Links } from './world/network.ts';
import { type Plan, type PlannedFault, targetOf } from './plan.ts';
import type { SimulatedProcess, Surroundings } from './world/process.ts';
import { DIRECTIONS } from './world/link.ts';
import type { Slot, Keeper } from './keeper.ts';
import { hasBegunToEnd, producerOf } from './retirements.ts';

/** When the target of a fault is not up, the fault is tried again after this time. */
const RETRY_MS = 25;
/** The same for a member of a cluster, which may have to wait for long. */
const MEMBER_RETRY_MS = 250;
/** One in so many takeovers of several shards takes only some of the shards. */
const PARTIAL_EVERY = 3;
const POWER = 0x706f7765;

function isOfMember({ kind }: PlannedFault): boolean {
  return FAMILY_OF_KIND[kind] === 'member' || FAMILY_OF_KIND[kind] === 'network';
}

type Kinds = PlannedFault['kind'];
type Of<K extends Kinds> = Extract<PlannedFault, { kind: K }>;

export class Faults {
  readonly #plan: Plan;
  readonly #surroundings: Surroundings;
  readonly #keeper: Keeper;
  readonly #network: Links;
  /** `null`: the journals are not on a cluster. */
  readonly #members: MemberFaults | null;
  readonly #counters: Counters;
  readonly #onReboot: () => void;
  /** By fault that lasts: the function that ends it. */
  readonly #healing = new Map<number, () => void>();
  #isOver = false;

  constructor(surroundings: Surroundings, keeper: Keeper, onReboot: () => void) {
    this.#plan = surroundings.plan;
    this.#surroundings = surroundings;
    this.#keeper = keeper;
    this.#network = surroundings.links;
    this.#counters = surroundings.counters;
    this.#onReboot = onReboot;
    const { cluster, plan, kernel, counters } = surroundings;
    const lasts = (id: number, durationMs: number, heal: () => void): void => this.#lasts(id, durationMs, heal);
    this.#members =
      cluster === null || plan.cluster === undefined
        ? null
        : new MemberFaults({ cluster, plan: plan.cluster, kernel, counters, seed: plan.seed, lasts });
  }

  /** Sets the time of every fault of the plan. */
  schedule(): void {
    for (const fault of this.#plan.faults) {
      const isInjected = this.#surroundings.decorations.injects?.(fault) !== false;
      const begin = (): void => (isInjected ? this.#try(fault) : this.#record(fault));
      const reason = { kind: 'fault', what: `fault ${fault.id}, ${fault.kind} of ${targetOf(fault)}` } as const;
      this.#surroundings.kernel.after(fault.atMs * 1e6, begin, reason);
    }
  }

  /** Ends every fault; from now on none begins. */
  heal(): void {
    this.#isOver = true;
    for (const heal of this.#healing.values()) heal();
    this.#healing.clear();
  }

  #try(fault: PlannedFault): void {
    if (this.#isOver) return;
    if (this.#inject(fault)) this.#record(fault);
    else this.#after(isOfMember(fault) ? MEMBER_RETRY_MS : RETRY_MS, () => this.#try(fault));
  }

  /** The fault was injected, but something else came before it. */
  #retry(fault: PlannedFault): void {
    if (!this.#isOver && !this.#inject(fault)) this.#after(RETRY_MS, () => this.#retry(fault));
  }

  #record(fault: PlannedFault): void {
    const { id, kind } = fault;
    this.#surroundings.history.record({ event: 'fault', id, kind, target: targetOf(fault) });
  }

  #effective(fault: PlannedFault): void {
    const { id, kind } = fault;
    this.#surroundings.history.record({ event: 'fault-effective', id, kind, target: targetOf(fault) });
  }

  /** Returns whether the fault could begin now. */
  #inject(fault: PlannedFault): boolean {
    switch (fault.kind) {
      case 'crash':
        return this.#onUndoomed(fault, (process) => this.#crash(fault, process));
      case 'power-loss':
        return this.#losePower(fault);
      case 'restart':
        return this.#onUndoomed(fault, (process) => this.#restart(fault, process));
      case 'pause':
        return this.#onProcess(fault, (process) => this.#pause(fault, process));
      case 'takeover':
        return this.#onProcess(fault, (process) => this.#takeOver(fault, process));
      case 'partition':
      case 'stall':
        return this.#onProcess(fault, ({ name }) => this.#block(fault, name));
      case 'slow-link':
        return this.#onProcess(fault, ({ name }) => this.#slow(fault, name));
      case 'break':
        return this.#onProcess(fault, ({ name }) => {
          if (this.#network.breakLinks(name) > 0) this.#effective(fault);
        });
      case 'unreachable':
        return this.#onProcess(fault, ({ name }) => {
          if (this.#network.unreachable(name)) this.#effective(fault);
        });
      case 'commit-fails':
        return this.#onProcess(fault, (process) => this.#failCommit(fault, process));
      case 'slow-disk':
        return this.#onProcess(fault, (process) => this.#slowDisk(fault, process));
      case 'retire':
        return this.#onWorking(fault, (process) => this.#retire(fault, process));
      case 'absence':
        return this.#onWorking(fault, (process) => this.#absent(fault, process));
      case 'late-reader':
        this.#keeper.startLateReader();
        this.#effective(fault);
        return true;
      case 'member-crash':
      case 'member-loss-in-turn':
      case 'member-leave':
      case 'member-pause':
      case 'member-cut':
      case 'etcd-crash':
      case 'etcd-away':
      case 'all-brokers-crash':
        return this.#members?.inject(fault, () => this.#effective(fault)) ?? true;
      default:
        return fault satisfies never;
    }
  }

  /** Applies the fault to the target if that is up. */
  #onProcess(fault: PlannedFault & { target: string }, apply: (process: SimulatedProcess) => void): boolean {
    const process = this.#keeper.named(fault.target);
    if (process === undefined || process.isDrained) return true;
    if (!process.isUp) return false;
    apply(process);
    return true;
  }

  /** As `#onProcess`, if no other fault is about to end the target: each end proves one fault. */
  #onUndoomed(fault: PlannedFault & { target: string }, apply: (process: SimulatedProcess) => void): boolean {
    const process = this.#keeper.named(fault.target);
    return process?.isUp === true && process.death !== null ? false : this.#onProcess(fault, apply);
  }

  /**
   * As `#onUndoomed`, if the target publishes, and is not being retired. A chunker that has begun to end is left alone.
   */
  #onWorking(fault: PlannedFault & { target: string }, apply: (process: SimulatedProcess) => void): boolean {
    const process = this.#keeper.named(fault.target);
    if (process?.isUp === true && hasBegunToEnd(process)) return true;
    const isBusy = process?.isUp === true && (!process.isReady || this.#keeper.retirements.isUnderWay(process));
    return isBusy ? false : this.#onUndoomed(fault, apply);
  }

  #retire(fault: Of<'retire'>, process: SimulatedProcess): void {
    const { incarnation } = process;
    const { old, death, runs, dies, wakeMs } = fault;
    if (incarnation === null) return;
    const onReplaced = (): void => this.#effective(fault);
    this.#keeper.retirements.begin(process, { death: old === 'dead' ? death : null, runs, dies, onReplaced });
    switch (old) {
      case 'dead':
        incarnation.onceOver(() => {
          // Something else has ended it.
          if (!this.#keeper.retirements.isUnderWay(process)) this.#after(RETRY_MS, () => this.#retry(fault));
        });
        this.#keeper.kill(process, death);
        break;
      case 'paused':
        this.#counters.count('chunker retired while it was stopped');
        incarnation.pause();
        this.#lasts(fault.id, wakeMs, () => incarnation.resume());
        break;
      case 'running':
        this.#counters.count('chunker retired while it ran');
        break;
      default:
        old satisfies never;
    }
  }

  #absent(fault: Of<'absence'>, process: SimulatedProcess): void {
    const { incarnation, name } = process;
    const { how, durationMs } = fault;
    const producer = producerOf(process);
    if (incarnation === null || producer === null) return;
    const { cluster, observer } = this.#surroundings;
    cluster?.absences.begin(producer);
    switch (how) {
      case 'dead':
        this.#keeper.kill(process, {
          atCall: 0,
          commit: durationMs % 2 === 0 ? 'lost' : 'durable',
          downMs: durationMs,
        });
        break;
      case 'paused':
        incarnation.pause();
        break;
      case 'cut':
        this.#network.block(name, DIRECTIONS, { isNoticed: true });
        break;
      default:
        how satisfies never;
    }
    this.#lasts(fault.id, durationMs, () => {
      if (how === 'paused') incarnation.resume();
      if (how === 'cut') this.#network.unblock(name);
      cluster?.absences.end(producer);
      if (!observer.pins.isExpired(producer) && cluster?.absences.wasLong(producer) !== true) return;
      this.#counters.count('pin expired in an absence');
      this.#effective(fault);
    });
  }

  #crash(fault: Of<'crash'>, process: SimulatedProcess): void {
    const kill = (): void => {
      process.incarnation?.onceOver(({ exitCode }) => {
        if (exitCode === null && process.death === fault.death) this.#effective(fault);
        // Something else has ended it.
        else if (fault.when === null) this.#after(RETRY_MS, () => this.#retry(fault));
      });
      this.#keeper.kill(process, fault.death);
    };
    if (fault.when === null) kill();
    else {
      const { kernel } = this.#surroundings;
      const { reason } = kernel;
      process.whenEnding = () => !this.#isOver && kernel.because(reason, kernel.from, kill);
    }
  }

  #losePower(fault: Of<'power-loss'>): boolean {
    this.#counters.count('power lost');
    const prng = Prng.fromSeed(this.#plan.seed, POWER, fault.id);
    // Before anything starts again.
    this.#onReboot();
    for (const process of this.#keeper.processes) {
      if (!process.isUp) continue;
      const commit = prng.below(2) === 0 ? 'lost' : 'durable';
      this.#keeper.kill(process, { atCall: 0, commit, downMs: fault.death.downMs + prng.below(300) });
    }
    this.#effective(fault);
    return true;
  }

  #restart(fault: Of<'restart'>, process: SimulatedProcess): void {
    process.incarnation?.onceOver(({ exitCode }) => {
      if (exitCode !== 0) return this.#after(RETRY_MS, () => this.#retry(fault));
      this.#counters.count('stopped gracefully and restarted');
      this.#effective(fault);
    });
    process.death = { atCall: 0, commit: 'lost', downMs: fault.downMs };
    process.stop();
  }

  #pause(fault: Of<'pause'>, process: SimulatedProcess): void {
    const { incarnation } = process;
    if (incarnation === null) return;
    incarnation.pause();
    this.#lasts(fault.id, fault.durationMs, () => {
      if (incarnation.resume() === 0) return;
      this.#counters.count('paused and resumed');
      this.#effective(fault);
    });
  }

  #takeOver(fault: Of<'takeover'>, old: SimulatedProcess): void {
    const slot = this.#keeper.slots.find(({ name }) => name === fault.target);
    const { incarnation } = old;
    if (slot === undefined || incarnation === null) return;
    const partitions = this.#partitionsOf(fault, slot, old);
    if (partitions.length === slot.partitions.length) this.#keeper.abandon(slot, old);
    else this.#counters.count('takeover of some of the shards');
    switch (fault.old) {
      case 'dead':
        this.#counters.count('takeover of a dead summer');
        this.#keeper.kill(old, { atCall: 0, commit: fault.wakeMs % 2 === 0 ? 'lost' : 'durable', downMs: 0 });
        break;
      case 'paused':
        this.#counters.count('takeover of a paused summer');
        incarnation.pause();
        break;
      case 'running':
        this.#counters.count('takeover of a running summer');
        break;
      default:
        fault.old satisfies never;
    }
    const successor = this.#keeper.takeOver(slot, partitions);
    if (fault.successor !== null) this.#keeper.kill(successor, fault.successor);
    this.#effective(fault);
    this.#lasts(fault.id, fault.wakeMs, () => {
      if (incarnation.resume() > 0 && successor.isReady) this.#counters.count('takeover with a waking zombie');
      if (fault.returns) this.#keeper.bringBack(slot, old);
    });
  }

  /** The partitions that a successor takes: all, or now and then only some of an owner's. */
  #partitionsOf({ wakeMs }: Of<'takeover'>, { partitions }: Slot, old: SimulatedProcess): readonly number[] {
    const isPartial = old.isReady && old.lostShards.size === 0 && wakeMs % PARTIAL_EVERY === 0;
    return isPartial && partitions.length > 1 ? partitions.slice(0, Math.ceil(partitions.length / 2)) : partitions;
  }

  #block(fault: Of<'partition' | 'stall'>, name: string): void {
    const before = this.#network.affected(name);
    this.#network.block(name, fault.directions, { isNoticed: fault.kind === 'partition' });
    this.#lasts(fault.id, fault.durationMs, () => {
      this.#network.unblock(name, fault.directions);
      if (this.#network.affected(name) > before) this.#effective(fault);
    });
  }

  #slow(fault: Of<'slow-link'>, name: string): void {
    const before = this.#network.affected(name);
    this.#network.slow(name, fault.extraMs * 1e6);
    this.#lasts(fault.id, fault.durationMs, () => {
      this.#network.slow(name, 0);
      if (this.#network.affected(name) > before) this.#effective(fault);
    });
  }

  #failCommit(fault: Of<'commit-fails'>, process: SimulatedProcess): void {
    const { isApplied } = fault;
    process.store?.failNext({
      isApplied,
      onFailed: () => {
        process.hasFailedCommit = true;
        this.#counters.count(
          isApplied ? 'commit failed, with its writes on disk' : 'commit failed, without its writes',
        );
        this.#effective(fault);
      },
    });
  }

  #slowDisk(fault: Of<'slow-disk'>, process: SimulatedProcess): void {
    process.slowDiskNs = fault.extraMs * 1e6;
    this.#lasts(fault.id, fault.durationMs, () => {
      process.slowDiskNs = 0;
      this.#effective(fault);
    });
  }

  /** Heals a fault after its time, or when everything heals. */
  #lasts(id: number, durationMs: number, heal: () => void): void {
    this.#healing.set(id, heal);
    this.#after(durationMs, () => {
      if (this.#healing.delete(id)) heal();
    });
  }

  #after(delayMs: number, call: () => void): void {
    this.#surroundings.kernel.after(delayMs * 1e6, call);
  }
}
