/**
 * The moments of one fault's targets, each read when its process can no longer move: it is dead, or it is seen to be
 * stopped. What was read before that would be a guess.
 */

import type { FaultKind } from '../../guarantee/fault-kinds.ts';
import { momentsText } from '../../../src/moments/moment.ts';
import type { SeenMoments } from '../../../src/moments/page-layout.ts';
import type { FaultTarget } from './actions/target.ts';

function stops(kind: FaultKind): boolean {
  return kind.startsWith('pause-') || kind === 'takeover-paused' || kind === 'takeover-elsewhere';
}

function kills(kind: FaultKind): boolean {
  return kind.startsWith('kill-') || kind.startsWith('retire-') || kind === 'takeover-dead';
}

/** Whether a fault of this kind leaves its targets where they are. Of others nobody knows where they were hit. */
export function freezes(kind: FaultKind): boolean {
  return stops(kind) || kills(kind);
}

type Frozen = {
  readonly target: FaultTarget;
  readonly name: string;
  readonly pid: number | null;
  /** Undefined: not yet read. */
  seen?: SeenMoments | null;
};

export class FrozenMoments {
  readonly #kind: FaultKind;
  readonly #frozen: readonly Frozen[];
  #contradiction: string | null = null;

  /** Made before the fault is injected: the pids are those of the targets. */
  constructor(kind: FaultKind, targets: readonly FaultTarget[]) {
    this.#kind = kind;
    this.#frozen = freezes(kind) ? targets.map((target) => ({ target, name: target.name, pid: target.pid })) : [];
  }

  /** A process has ended by SIGKILL, and was not started again. */
  onKilled(name: string, pid: number): void {
    if (!kills(this.#kind)) return;
    for (const frozen of this.#frozen) if (frozen.name === name && frozen.pid === pid) read(frozen);
  }

  /** All targets are stopped. */
  onStopped(): void {
    if (!stops(this.#kind)) return;
    for (const frozen of this.#frozen) if (frozen.target.state === 'T') read(frozen);
  }

  /** They are about to be continued: what was read must still be there. */
  beforeResume(): void {
    if (!stops(this.#kind)) return;
    for (const frozen of this.#frozen) {
      const { seen, name, target } = frozen;
      if (seen === undefined || seen === null || target.state !== 'T') continue;
      const now = pageOf(frozen);
      if (JSON.stringify(now) === JSON.stringify(seen)) continue;
      this.#contradiction ??= `the page of ${name} has changed while ${name} was stopped`;
    }
  }

  /** What cannot be if pages tell the truth, in one line; null: nothing. */
  get contradiction(): string | null {
    return this.#contradiction;
  }

  /** For faults.csv; null: nothing is known. */
  get text(): string | null {
    return hitText(this.hit);
  }

  /** In the order of the plan; empty for a fault that does not freeze its targets. */
  get hit(): readonly { readonly name: string; readonly seen: SeenMoments | null }[] {
    return this.#frozen.map(({ name, seen }) => ({ name, seen: seen ?? null }));
  }
}

function read(frozen: Frozen): void {
  if (frozen.seen === undefined) frozen.seen = pageOf(frozen);
}

/** Null: this process has written no page. */
function pageOf({ target, pid }: Frozen): SeenMoments | null {
  const seen = target.moments();
  return seen !== null && seen.pid === pid ? seen : null;
}

/** Of one process its moments; of several each with its name, in the order of the plan. Null where nothing is known. */
function hitText(hit: readonly { readonly name: string; readonly seen: SeenMoments | null }[]): string | null {
  if (hit.every(({ seen }) => seen === null)) return null;
  if (hit.length === 1) return seenText(hit[0]?.seen ?? null);
  return hit.map(({ name, seen }) => `${name}: ${seenText(seen)}`).join('; ');
}

function seenText(seen: SeenMoments | null): string {
  return seen === null ? 'unknown' : momentsText(seen.moments);
}
