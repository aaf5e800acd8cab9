/**
 * The keeper of simulated processes: starts every process, restarts dead processes, and judges how each has ended. For
 * every shard there is always a process that works for it or will do so: its confirmed owner, or a successor.
 */

import * as records from '../../src/chunker/rows/records.ts';
import { EXIT } from '../../src/core/errors.ts';
import { Prng } from '../../src/core/prng.ts';
import { judgeExit } from '../../src/fleet/exit-judgement.ts';
import { type ChunkerMemory, runBroker, runChunker, runLateReader, runSummer } from './components.ts';
import type { Disk, OwnedWrites } from './world/disk.ts';
import type { IncarnationEnd } from './world/incarnation.ts';
import type { Death } from './death.ts';
import { Retirements, producerOf } from './retirements.ts';
import { SimulatedProcess, type Surroundings } from './world/process.ts';

/** The summers of one set of partitions: the first one and its successors. */
export type Slot = {
  readonly name: string;
  readonly partitions: readonly number[];
  readonly summers: SimulatedProcess[];
  /** By name: summers whose next start is a takeover. */
  readonly takingOver: Set<string>;
  /** By name: dead summers that are not to be started again unless a shard needs them. */
  readonly abandoned: Set<string>;
};

/** A process that ended in a way that nobody had planned: one line, and the place in the program. */
export type Failed = { readonly line: string; readonly stack: string | null };

export function failureOf(what: string, error: unknown): Failed {
  const isError = error instanceof Error;
  return { line: `${what}: ${isError ? error.message : String(error)}`, stack: isError ? (error.stack ?? null) : null };
}

const RESTART_MS_MAX = 500;
const KEEPER = 0x73757065;

export class Keeper {
  /** `null`: the journals are on a cluster. */
  readonly broker: SimulatedProcess | null;
  readonly chunkers: readonly SimulatedProcess[];
  readonly slots: readonly Slot[];
  readonly retirements: Retirements;
  /** Processes that ended in a way that nobody had planned. */
  readonly failures: Failed[] = [];
  readonly #surroundings: Surroundings;
  readonly #onOver: () => void;
  readonly #disks = new Map<string, SimulatedProcess>();
  readonly #starting = new Set<SimulatedProcess>();
  readonly #prng: Prng;
  #isStopping = false;
  #isHealing = false;
  #lateReaders = 0;

  /** `onOver`: a process has found a violation, or failed, so there is nothing more to simulate. */
  constructor(surroundings: Surroundings, onOver: () => void) {
    const { plan, observer } = surroundings;
    this.#surroundings = surroundings;
    this.#onOver = onOver;
    this.#prng = Prng.fromSeed(plan.seed, KEEPER);
    this.retirements = new Retirements({
      surroundings,
      onMade: (command) => this.#known(command),
      kill: (command, death) => this.kill(command, death),
      onReplaced: (chunker) => this.#replace(chunker),
    });
    this.broker = surroundings.cluster === null ? this.#broker() : null;
    if (this.broker !== null) observer.broker = this.broker.disk;
    this.chunkers = plan.chunkers.map((chunker, index) => {
      const memory: ChunkerMemory = { producers: new Set(), drained: new Set(), completed: new Set() };
      const process: SimulatedProcess = new SimulatedProcess({
        name: `chunker-${index}`,
        component: 'chunker',
        surroundings,
        run: runChunker(index, chunker, memory),
        onDurable: (disk, writes) => {
          observer.chunkerDurable(disk, writes);
          if (isEnding(writes)) endsSoon(process);
        },
      });
      return this.#known(process);
    });
    this.slots = plan.summers.map((partitions, index) => {
      const slot: Slot = {
        name: `summer-${index}`,
        partitions,
        summers: [],
        takingOver: new Set(),
        abandoned: new Set(),
      };
      this.#addSummer(slot);
      return slot;
    });
  }

  #broker(): SimulatedProcess {
    const { observer } = this.#surroundings;
    return this.#known(
      new SimulatedProcess({
        name: 'broker',
        component: 'broker',
        surroundings: this.#surroundings,
        run: runBroker,
        onDurable: (_disk, writes) => observer.brokerDurable(writes),
      }),
    );
  }

  /** All processes that were ever made. */
  get processes(): readonly SimulatedProcess[] {
    return [...this.#disks.values()];
  }

  get summers(): readonly SimulatedProcess[] {
    return this.slots.flatMap(({ summers }) => summers);
  }

  diskAt(path: string): Disk {
    const process = this.#disks.get(path);
    if (process === undefined) throw new Error(`there is no store at ${path}`);
    return process.disk;
  }

  processAt(path: string): SimulatedProcess | undefined {
    return this.#disks.get(path);
  }

  /** Starts everything; a chunker that comes later starts at its time. */
  startAll(): void {
    this.broker?.start();
    this.#surroundings.cluster?.start();
    for (const { summers } of this.slots) summers[0]?.start();
    const { plan, kernel } = this.#surroundings;
    for (const [index, chunker] of this.chunkers.entries()) {
      const { startMs = 0, drainMs = null } = plan.chunkers[index] ?? {};
      this.#startLater(chunker, startMs);
      if (drainMs !== null) kernel.after(drainMs * 1e6, () => chunker.drain());
    }
  }

  /** Whether every process is up that should be. */
  get isWhole(): boolean {
    return (
      this.#starting.size === 0 &&
      this.retirements.areOver &&
      this.broker?.isReady !== false &&
      this.#surroundings.cluster?.isWhole !== false &&
      this.chunkers.every(({ isReady, isDrained }) => isReady || isDrained) &&
      this.slots.every((slot) => this.#isServed(slot))
    );
  }

  get areDrained(): boolean {
    return this.retirements.areOver && this.chunkers.every(({ isDrained, isUp }) => isDrained && !isUp);
  }

  /** The process of this name. For a slot, its newest process that is up. */
  named(name: string): SimulatedProcess | undefined {
    const slot = this.slots.find((candidate) => candidate.name === name);
    if (slot !== undefined) return slot.summers.findLast(({ isUp }) => isUp) ?? slot.summers.at(-1);
    return [this.broker, ...this.chunkers].find((process) => process?.name === name) ?? undefined;
  }

  /** Kills a process that is up, now or in its n-th call. */
  kill(process: SimulatedProcess, death: Death): void {
    process.death = death;
    if (death.atCall === 0) process.incarnation?.kill();
    else process.incarnation?.killAtCall(death.atCall);
  }

  /** A successor of the slot's newest summer in these partitions, with a separate store. */
  takeOver(slot: Slot, partitions: readonly number[]): SimulatedProcess {
    const successor = this.#addSummer(slot, partitions);
    slot.takingOver.add(successor.name);
    successor.start();
    return successor;
  }

  /** From now on the process is not started again when it ends, unless a shard needs it. */
  abandon(slot: Slot, process: SimulatedProcess): void {
    slot.abandoned.add(process.name);
  }

  /** Starts an abandoned process, like somebody who does not know of its successor. */
  bringBack(slot: Slot, process: SimulatedProcess): void {
    if (slot.abandoned.delete(process.name) && !process.isUp && !this.#starting.has(process)) process.start();
  }

  /** A reader that begins where nothing may be left. */
  startLateReader(): void {
    this.#lateReaders += 1;
    this.#known(
      new SimulatedProcess({
        name: `late-reader-${this.#lateReaders}`,
        component: 'chunker',
        surroundings: this.#surroundings,
        run: runLateReader,
        onDurable: () => {},
      }),
    ).start();
  }

  /** Processes that have drained by now stay drained. */
  heal(): void {
    this.#isHealing = true;
    for (const slot of this.slots) this.ensureOwners(slot);
  }

  /** From now on no ended process is started again. */
  stopAll(): void {
    this.#isStopping = true;
    for (const process of this.processes) if (process !== this.broker && process.isUp) process.stop();
  }

  ready(process: SimulatedProcess): void {
    const slot = this.#slotOf(process);
    if (slot?.takingOver.delete(process.name) === true) this.ensureOwners(slot);
  }

  ended(process: SimulatedProcess, end: IncarnationEnd): void {
    if (this.retirements.isCommand(process) && this.retirements.commandEnded(process, end)) return;
    const verdict = this.#judge(process, end);
    if (verdict !== null) {
      this.failures.push(verdict);
      return this.#onOver();
    }
    if (end.exitCode === EXIT.violation) return this.#onOver();
    if (this.retirements.takes(process, end)) return;
    if (process.isDrained && !this.#isStopping) return this.#beginAgain(process);
    if (this.#isStopping || process.name.startsWith('late-reader')) return;
    if (end.exitCode === EXIT.inconclusive) return this.#retire(process, end);
    const slot = this.#slotOf(process);
    if (slot !== undefined) return this.#summerEnded(slot, process, end);
    this.#startLater(process, process.death?.downMs ?? this.#prng.below(RESTART_MS_MAX));
  }

  /** Starts the store that speaks for a shard, if no process works in it. */
  ensureOwners(slot: Slot): void {
    for (const shard of slot.partitions) {
      const { confirmed } = this.#surroundings.observer.shard(shard);
      const owner = confirmed === null ? undefined : this.processAt(confirmed);
      if (owner !== undefined && !owner.isUp) this.#startLater(owner, this.#prng.below(RESTART_MS_MAX));
      // The successor raised the epoch and died for good before it confirmed itself: somebody restarts the owner.
      else if (owner?.lostShards.has(shard) === true && slot.takingOver.size === 0) owner.stop();
    }
    const isAnybody = slot.summers.some((summer) => summer.isUp || this.#starting.has(summer));
    const last = slot.summers.at(-1);
    if (!isAnybody && last !== undefined) this.#startLater(last, this.#prng.below(RESTART_MS_MAX));
  }

  /**
   * Begins the next planned life of a chunker that has drained, if there is one. Once everything has healed, no life
   * begins.
   */
  #beginAgain(process: SimulatedProcess): void {
    const { plan, counters } = this.#surroundings;
    const planned = plan.chunkers[this.chunkers.indexOf(process)]?.lives ?? 1;
    if (process.lives >= planned || this.#isHealing) return;
    counters.count('another life begun in the same store');
    process.beginAgain();
    this.#startLater(process, this.#prng.below(RESTART_MS_MAX));
  }

  /** A chunker's pin has expired: it is ended, as its log says, and another one begins with an empty folder. */
  #retire(chunker: SimulatedProcess, end: IncarnationEnd): void {
    this.retirements.begin(chunker, { death: null, runs: 1, dies: null, onReplaced: () => {} });
    this.retirements.takes(chunker, end);
  }

  /** The chunker is retired, and gone. Another one has its place, and an empty folder. */
  #replace(chunker: SimulatedProcess): void {
    for (const [path, process] of this.#disks) if (process === chunker) this.#disks.delete(path);
    this.#known(chunker);
    if (!this.#isStopping) this.#startLater(chunker, this.#prng.below(RESTART_MS_MAX));
  }

  #summerEnded(slot: Slot, process: SimulatedProcess, { exitCode }: IncarnationEnd): void {
    const { counters } = this.#surroundings;
    if (exitCode === EXIT.fenced) {
      slot.takingOver.delete(process.name);
      counters.count(process.isReady ? 'zombie fenced' : 'zombie restarted and replaced');
      return this.ensureOwners(slot);
    }
    if (exitCode === null) this.#countUnpublished(slot, process);
    if (slot.abandoned.has(process.name)) return this.ensureOwners(slot);
    this.#startLater(process, process.death?.downMs ?? this.#prng.below(RESTART_MS_MAX));
  }

  #countUnpublished(slot: Slot, process: SimulatedProcess): void {
    const { observer, counters } = this.#surroundings;
    if (!process.isReady) counters.count('killed while it claimed a shard');
    if (slot.partitions.some((shard) => observer.isClaiming(shard, process.disk.path))) {
      counters.count('killed between its raise and its confirmation');
    }
    if (slot.partitions.some((shard) => observer.isUnpublished(shard, process.disk))) {
      counters.count('killed between a commit and the publication of its sums');
    }
  }

  /** Not null when the process ended in a way that nobody had planned. */
  #judge(process: SimulatedProcess, { exitCode, error }: IncarnationEnd): Failed | null {
    if (exitCode === EXIT.violation) return null;
    if (exitCode === EXIT.fenced && process.component === 'summer') return null;
    if (exitCode === EXIT.fenced && this.retirements.isAsked(process)) return null;
    if (exitCode === EXIT.inconclusive && this.#isPinExpired(process)) return null;
    if (exitCode === EXIT.internal && process.hasFailedCommit) return null;
    const isStopped = process.wantsStop || process.name.startsWith('late-reader');
    const intent = exitCode === null ? 'kill' : process.isDrained ? 'drain' : isStopped ? 'stop' : 'run';
    const signal = exitCode === null ? ('SIGKILL' as const) : null;
    const exit = { pid: process.starts, code: exitCode, signal, intent, wasReady: process.isReady } as const;
    const judged = judgeExit(exit, process.isDrained);
    if (judged === 'as planned') return null;
    return failureOf(`${process.name}: ${judged.what}`, error);
  }

  #isPinExpired(process: SimulatedProcess): boolean {
    const producer = producerOf(process) ?? '';
    const { observer, cluster } = this.#surroundings;
    return observer.pins.isExpired(producer) || cluster?.absences.wasLong(producer) === true;
  }

  #startLater(process: SimulatedProcess, delayMs: number): void {
    if (this.#starting.has(process)) return;
    this.#starting.add(process);
    this.#surroundings.kernel.after(delayMs * 1e6, () => {
      this.#starting.delete(process);
      if (!process.isUp && !this.#isStopping) process.start();
    });
  }

  #isServed(slot: Slot): boolean {
    return slot.partitions.every((shard) => {
      const { confirmed } = this.#surroundings.observer.shard(shard);
      const owner = confirmed === null ? undefined : this.processAt(confirmed);
      return owner?.isReady === true && !owner.lostShards.has(shard);
    });
  }

  #addSummer(slot: Slot, partitions: readonly number[] = slot.partitions): SimulatedProcess {
    const number = slot.summers.length + 1;
    const { observer } = this.#surroundings;
    const summer = this.#known(
      new SimulatedProcess({
        name: number === 1 ? slot.name : `${slot.name}.${number}`,
        component: 'summer',
        surroundings: this.#surroundings,
        run: runSummer(partitions, ({ name }) => slot.takingOver.has(name)),
        onDurable: ({ path }, writes) => observer.summerDurable(path, writes),
      }),
    );
    slot.summers.push(summer);
    return summer;
  }

  #known(process: SimulatedProcess): SimulatedProcess {
    this.#disks.set(process.disk.path, process);
    return process;
  }

  #slotOf(process: SimulatedProcess): Slot | undefined {
    return this.slots.find(({ summers }) => summers.includes(process));
  }
}

/** Whether a chunker's decision to send its end records is among the writes. */
function isEnding(writes: OwnedWrites): boolean {
  const key = records.keyFor('phase');
  return writes.some((write) => write.table === records.TABLE && write.value !== null && write.key.equals(key));
}

function endsSoon(process: SimulatedProcess): void {
  const { whenEnding } = process;
  process.whenEnding = null;
  whenEnding?.();
}
