/**
 * A history in the form that stories are told from: its events in order, and what they say about processes, producers,
 * faults and phases. Pure. It may have holes: events that a flight recorder kept only as counts are named as such, and
 * never guessed.
 */

import type { WorkloadOptions } from '../../../src/workload/workload.ts';
import type { LoggedEvent } from '../logged-event.ts';

/** One run of a process. An unknown time is `null`. */
export type Life = {
  readonly process: string;
  startedNs: number | null;
  readyNs: number | null;
  endedNs: number | null;
  /** `null`: the process was killed, or it has not ended. */
  exitCode: number | null;
  /** The events that began and ended the life. */
  begin: LoggedEvent;
  end: LoggedEvent | null;
};

export type ToldFault = {
  readonly id: number;
  readonly kind: string;
  readonly target: string;
  readonly atNs: number;
  /** When the fault was known to have hit; `null`: it never was. */
  effectiveNs: number | null;
  /** Other knowledge of the fault. */
  readonly remark?: string;
};

export type Producer = {
  readonly producer: string;
  readonly process: string;
  readonly workload: WorkloadOptions;
  readonly fileCount: number | null;
  /** From this step on the chunker opens no file; `null`: that was not decided. */
  endStep: number | null;
};

export type ToldPhase = { readonly phase: string; readonly fromNs: number; toNs: number };

/** Events of which only a count is known. */
export type Hole = { readonly fromNs: number; readonly toNs: number; readonly events: number; readonly what: string };

/** The event of this name. */
export type Told<Name extends LoggedEvent['event'], E = LoggedEvent> = E extends { readonly event: unknown }
  ? Name extends E['event']
    ? E
    : never
  : never;

export class Chronicle {
  readonly events: readonly LoggedEvent[];
  readonly holes: readonly Hole[];
  /** Time of the first event. All told times count from here. */
  readonly startNs: number;
  readonly endNs: number;
  /** In the order of their beginnings. */
  readonly lives: readonly Life[];
  readonly faults: readonly ToldFault[];
  /** By producer id. */
  readonly producers: ReadonlyMap<string, Producer>;
  readonly phases: readonly ToldPhase[];
  /** By shard, its raises and confirmations. */
  readonly #claims = new Map<number, Told<'raised'>[]>();
  readonly #byNumber = new Map<number, LoggedEvent>();

  /** `faults`: of the run, for when its events do not tell of them. */
  constructor(
    events: readonly LoggedEvent[],
    {
      holes = [],
      faults = [],
      startNs,
    }: { holes?: readonly Hole[]; faults?: readonly ToldFault[]; startNs?: number } = {},
  ) {
    this.events = events;
    this.holes = holes;
    this.startNs = startNs ?? events[0]?.atNs ?? 0;
    this.endNs = Math.max(this.startNs, events.at(-1)?.atNs ?? 0, ...faults.map(({ atNs }) => atNs));
    for (const event of events) {
      this.#byNumber.set(event.n, event);
      if (event.event !== 'raised' && event.event !== 'confirmed') continue;
      const claims = this.#claims.get(event.shard);
      if (claims === undefined) this.#claims.set(event.shard, [event]);
      else claims.push(event);
    }
    this.lives = livesOf(events);
    this.faults = faults.length > 0 ? faults : faultsOf(events);
    this.producers = producersOf(events);
    this.phases = phasesOf(events, this.endNs);
  }

  /** The event with this number; undefined when it is not known. */
  numbered(n: number): LoggedEvent | undefined {
    return this.#byNumber.get(n);
  }

  /** Names of all processes, in the order in which they appeared: brokers, summers, chunkers, others. */
  get processes(): string[] {
    const names = new Set<string>(this.events.flatMap((event) => (event.event === 'run' ? event.processes : [])));
    for (const { process } of this.lives) names.add(process);
    return [...names].toSorted((one, other) => rankOf(one) - rankOf(other) || inNumbers.compare(one, other));
  }

  livesOf(process: string): Life[] {
    return this.lives.filter((life) => life.process === process);
  }

  /** The life of a process at a time: the last one that had begun. */
  lifeAt(process: string, atNs: number): Life | undefined {
    return this.lives.findLast((life) => life.process === process && life.begin.atNs <= atNs);
  }

  /** The producer of the process, by either name; the last producer when it had several. */
  producerOf(name: string): Producer | undefined {
    return this.producers.get(name) ?? [...this.producers.values()].findLast(({ process }) => process === name);
  }

  /** The process that spoke for the shard at a time: the last one that had confirmed it, or had raised it. */
  ownerAt(shard: number, atNs: number): string | undefined {
    const before = (this.#claims.get(shard) ?? []).filter((claim) => claim.atNs <= atNs);
    return (before.findLast(({ event }) => event === 'confirmed') ?? before.at(-1))?.process;
  }

  /** Time since the beginning of the run: `12.345678 s`. */
  time(atNs: number): string {
    return `${((atNs - this.startNs) / 1e9).toFixed(6)} s`;
  }
}

const inNumbers = new Intl.Collator('en', { numeric: true });

function rankOf(process: string): number {
  const rank = ['broker', 'summer', 'chunker'].findIndex((component) => process.startsWith(component));
  return rank < 0 ? 3 : rank;
}

function livesOf(events: readonly LoggedEvent[]): Life[] {
  const lives: Life[] = [];
  const open = new Map<string, Life>();
  const begin = (process: string, event: LoggedEvent): Life => {
    const life: Life = {
      process,
      startedNs: null,
      readyNs: null,
      endedNs: null,
      exitCode: null,
      begin: event,
      end: null,
    };
    lives.push(life);
    open.set(process, life);
    return life;
  };
  for (const event of events) {
    if (event.event === 'started') begin(event.process, event).startedNs = event.atNs;
    else if (event.event === 'ready') {
      const known = open.get(event.process);
      // Where starts are not told, the first word of a serving process is its beginning.
      const life = known === undefined || known.readyNs !== null ? begin(event.process, event) : known;
      life.readyNs = event.atNs;
    } else if (event.event === 'ended') {
      const life = open.get(event.process) ?? begin(event.process, event);
      life.endedNs = event.atNs;
      life.exitCode = event.exitCode;
      life.end = event;
      open.delete(event.process);
    }
  }
  return lives;
}

function faultsOf(events: readonly LoggedEvent[]): ToldFault[] {
  const faults = new Map<number, ToldFault>();
  for (const event of events) {
    if (event.event === 'fault') {
      const { id, kind, target, atNs } = event;
      if (!faults.has(id)) faults.set(id, { id, kind, target, atNs, effectiveNs: null });
    } else if (event.event === 'fault-effective') {
      const { id, kind, target, atNs } = event;
      // A fault may be known to have hit before its injection is told: both are told at that moment.
      const fault = faults.get(id) ?? { id, kind, target, atNs, effectiveNs: null };
      faults.set(id, fault);
      fault.effectiveNs ??= atNs;
    }
  }
  return [...faults.values()].toSorted((one, other) => one.atNs - other.atNs);
}

function producersOf(events: readonly LoggedEvent[]): Map<string, Producer> {
  const producers = new Map<string, Producer>();
  for (const event of events) {
    if (event.event === 'producer') {
      const { producer, process, workload, fileCount } = event;
      if (!producers.has(producer)) producers.set(producer, { producer, process, workload, fileCount, endStep: null });
    } else if (event.event === 'ending') {
      const known = producers.get(event.producer);
      if (known !== undefined) known.endStep ??= event.endStep;
    }
  }
  return producers;
}

function phasesOf(events: readonly LoggedEvent[], endNs: number): ToldPhase[] {
  const phases: ToldPhase[] = [];
  for (const event of events) {
    if (event.event !== 'phase') continue;
    const last = phases.at(-1);
    if (last !== undefined) last.toNs = event.atNs;
    phases.push({ phase: event.phase, fromNs: event.atNs, toNs: endNs });
  }
  return phases;
}
