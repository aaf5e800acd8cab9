/**
 * What one fault does, and the probes that see it: one object for one fault, made by `make-action.ts`, led through its
 * life by the injector. It decides nothing: what, where and for how long is in the plan.
 *
 * A probe looks at the thing itself: the exit of a process, its state in the kernel, what it says, bytes held by a
 * relay. That something was asked for is no proof.
 */

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
  /** Those that a summer says that it owns; of others none. */
  readonly shards?: readonly number[];
  /** That of a chunker, 16 hexadecimal digits. */
  readonly producer?: string;
  readonly nowNs: number;
};

export interface FaultAction {
  /** Begins the fault. Called once, when its targets are ready. */
  inject(nowNs: number): void;
  /** When it was first seen to have bitten; null: not yet. Asked every few milliseconds until it is over. */
  proven(nowNs: number): Sight | null;
  /** What was seen that cannot be if it has bitten, in words; null: nothing. Then it has missed. */
  disproven?(): string | null;
  /**
   * Whether all that the proof needs was tried: a fault that lasts is not ended before. Absent: it is proven at once.
   */
  mayHeal?(): boolean;
  /** Ends what lasts: called once, when the fault has lasted as long as was planned, or when it is given up. */
  heal(nowNs: number): void;
  /**
   * Whether nothing of a fault is left that was given up: asked after `heal`, every few milliseconds. No other fault
   * begins before. Absent: a fault of this kind leaves nothing.
   */
  isOver?(): boolean;
  /** When it was first seen to be over; null: not yet. Asked only once it was proven and `heal` was called. */
  healed(nowNs: number): Sight | null;
  /** Whether this fault had caused the end: then no other fault is shown it. */
  onExit?(exit: SeenExit): boolean;
  onReady?(ready: SeenReady): void;
  /** The event loop has had a turn: what had arrived before the last one has been read. */
  onTurn?(): void;
  /** A process has said something: it runs. */
  onHeard?(name: string, nowNs: number): void;
}

/** The parts of several proofs as one: when the last of them was seen. Null while one is missing. */
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
