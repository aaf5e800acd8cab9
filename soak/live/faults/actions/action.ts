/**
 * What one fault does, and the probes that see it. Each fault has one object, which `make-action.ts` makes and the
 * injector leads through its life. It decides nothing: the plan says what, where and for how long.
 *
 * A probe looks at the thing itself: the exit of a process, its state in the kernel, its words, bytes held by a relay.
 * A request is not a proof.
 */

import type { ComponentEvent } from '../../../../src/component/protocol.ts';

/** What a probe saw, and when, in nanoseconds of the clock. */
export type Sight = { readonly atNs: number; readonly saw: string };

/** How a process ended, as the fleet saw it. */
export type SeenExit = {
  readonly name: string;
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly nowNs: number;
};

export type SeenReady = {
  readonly name: string;
  readonly pid: number;
  /** The shards that a summer says it owns; absent for other components. */
  readonly shards?: readonly number[];
  /** That of a chunker, 16 hexadecimal digits. */
  readonly producer?: string;
  readonly nowNs: number;
};

/** A process that is ready, as it says itself. */
export function seenReady(name: string, said: Extract<ComponentEvent, { event: 'ready' }>, nowNs: number): SeenReady {
  const { pid } = said;
  if (said.component === 'summer') return { name, pid, nowNs, shards: said.shards };
  return said.component === 'chunker' ? { name, pid, nowNs, producer: said.producer } : { name, pid, nowNs };
}

export interface FaultAction {
  /** Begins the fault. Called once, when its targets are ready. */
  inject(nowNs: number): void;
  /**
   * When the fault was first seen to have bitten; null: not yet. Asked every few milliseconds until the fault is over.
   */
  proven(nowNs: number): Sight | null;
  /**
   * In words, something that was seen and is impossible if the fault has bitten; null: nothing. Then the fault has
   * missed.
   */
  disproven?(): string | null;
  /**
   * Whether everything that the proof needs was tried. A lasting fault does not end before that. Absent: it may end as
   * soon as it is proven.
   */
  mayHeal?(): boolean;
  /** Ends a lasting fault. Called once, when it has lasted as long as planned, or when it is given up. */
  heal(nowNs: number): void;
  /**
   * Whether nothing is left of a fault that was given up. Asked every few milliseconds after `heal`. No other fault
   * begins before. Absent: a fault of this kind leaves nothing.
   */
  isOver?(): boolean;
  /** When the fault was first seen to be over; null: not yet. Asked only after it was proven and `heal` was called. */
  healed(nowNs: number): Sight | null;
  /** Whether this fault had caused the end. Then no other fault is shown it. */
  onExit?(exit: SeenExit): boolean;
  onReady?(ready: SeenReady): void;
  /** The event loop has had a turn: everything that had arrived before the last turn has been read. */
  onTurn?(): void;
  /** A process has said something, so it runs. */
  onHeard?(name: string, nowNs: number): void;
}

/** Joins the parts of several proofs: the time of the last part. Null while a part is missing. */
export function lastSight(sights: Iterable<Sight | null>, join: (saw: readonly string[]) => string): Sight | null {
  let atNs = 0;
  const saw: string[] = [];
  for (const sight of sights) {
    if (sight === null) return null;
    atNs = Math.max(atNs, sight.atNs);
    saw.push(sight.saw);
  }
  return saw.length === 0 ? null : { atNs, saw: join(saw) };
}
