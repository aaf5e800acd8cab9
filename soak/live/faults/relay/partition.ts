/**
 * The fault that a relay does to the links of one, several or all clients. Proven when two witnesses agree, for each
 * link: the relay, whose counters say that it bit what the client or the broker sent, and a probe from outside that
 * met it. Healed when a probe from outside was answered through each link, as fast as a whole link answers, and the
 * relay has counted it.
 *
 * A probe of the whole link comes first: what it met later would mean nothing if the broker had not answered before.
 */

import { type Clock, delay } from '../../../../src/core/clock.ts';
import { OperatingError } from '../../../../src/core/errors.ts';
import type { LinkCounters } from './counters.ts';
import { DIRECTIONS, type LinkMode, linkModeText, PASS } from './link-mode.ts';
import { type ProbeLink, probeLink, probeOf, shows } from './link-probe.ts';
import type { Relay } from './relay-process.ts';

/** Between two looks at the counters, or two probes. */
const LOOK_MS = 20;

/** What was seen, and when, in nanoseconds of the clock. */
export type Sight = { readonly atNs: number; readonly saw: string };

export type PartitionOptions = {
  readonly relay: Relay;
  /** Names of clients. */
  readonly links: readonly string[];
  readonly mode: LinkMode;
  readonly seed: number;
  readonly clock: Clock;
  /** Where the client of a link dials. */
  readonly endpointOf: (link: string) => string;
  /** Absent: `probeLink`. */
  readonly probe?: ProbeLink;
};

export class Partition {
  readonly #options: PartitionOptions;
  readonly #probe: ProbeLink;
  #proof: Sight | null = null;
  #healing: Sight | null = null;
  #isHealing = false;
  /** What is done is done one after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: PartitionOptions) {
    this.#options = options;
    this.#probe = options.probe ?? probeLink;
  }

  inject(): void {
    this.#then(() => this.#bite());
  }

  proven(): Sight | null {
    return this.#proof;
  }

  heal(): void {
    this.#isHealing = true;
    this.#then(() => this.#mend());
  }

  healed(): Sight | null {
    return this.#healing;
  }

  /** A relay that is gone fails the run by itself: here the fault is not proven, or not healed. */
  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      if (!(error instanceof OperatingError)) throw error;
    });
  }

  async #bite(): Promise<void> {
    const { relay, links, mode, seed, clock } = this.#options;
    const open = await relay.counters(links);
    while (!(await this.#allShow(PASS))) if (this.#isHealing) return;
    let before = await relay.counters(links);
    // The end of a probe is under way for a moment: as long as the link has more connections than its client.
    while (
      !before.every(({ connectionsOpen }, index) => connectionsOpen <= Math.max(1, open[index]?.connectionsOpen ?? 1))
    ) {
      if (this.#isHealing) return;
      await delay(clock, LOOK_MS);
      before = await relay.counters(links);
    }
    await relay.set(links.map((link) => ({ link, mode, seed })));
    let after = before;
    while (!after.every((now, index) => hasBitten(mode, before[index] ?? now, now))) {
      if (this.#isHealing) return;
      await delay(clock, LOOK_MS);
      after = await relay.counters(links);
    }
    while (!(await this.#allShow(mode))) if (this.#isHealing) return;
    // What the last probe met may be the healing.
    if (this.#isHealing) return;
    const saw = after.map((now, index) => `${now.link}: ${evidence(mode, before[index] ?? now, now)}`).join('; ');
    this.#proof = { atNs: clock.nowNs(), saw: `${linkModeText(mode)} (${saw}; seen by a probe)` };
  }

  async #mend(): Promise<void> {
    const { relay, links, mode, seed, clock } = this.#options;
    await relay.set(links.map((link) => ({ link, mode: PASS, seed })));
    for (;;) {
      const before = await relay.counters(links);
      if (await this.#areWhole(mode)) {
        const after = await relay.counters(links);
        if (after.every((now, index) => hasPassed(before[index] ?? now, now))) break;
      }
      await delay(clock, LOOK_MS);
    }
    this.#healing = { atNs: clock.nowNs(), saw: `a probe was answered through ${links.join(' ')}` };
  }

  /** Whether a probe of each link meets what the mode says. */
  async #allShow(mode: LinkMode): Promise<boolean> {
    const { links, endpointOf, clock } = this.#options;
    const outcomes = await Promise.all(links.map((link) => this.#probe(endpointOf(link), { clock, ...probeOf(mode) })));
    return outcomes.every((outcome) => shows(mode, outcome));
  }

  /** Whether each link answers, and no more as slowly as it did: asked with the work that the fault was proven with. */
  async #areWhole(mode: LinkMode): Promise<boolean> {
    const { links, endpointOf, clock } = this.#options;
    const { paddingBytes, timeoutMs, msMin } = probeOf(mode);
    const outcomes = await Promise.all(
      links.map((link) =>
        this.#probe(endpointOf(link), { clock, paddingBytes, timeoutMs: timeoutMs + PROBE_MARGIN_MS }),
      ),
    );
    return outcomes.every(({ isAnswered, elapsedNs }) => isAnswered && (msMin === 0 || elapsedNs < msMin * 1e6));
  }
}

/** A whole link answers at once; a busy machine may take longer. */
const PROBE_MARGIN_MS = 2_000;

/** Whether the relay says that the mode has hit what passes there, the probes apart: none is made meanwhile. */
function hasBitten(mode: LinkMode, before: LinkCounters, now: LinkCounters): boolean {
  switch (mode.mode) {
    case 'pass':
      return false;
    case 'refuse':
      return now.connectionsReset > before.connectionsReset;
    case 'drop':
      // Where nothing arrives nothing is answered: of two directions one may have nothing to drop.
      return mode.directions.some((direction) => now[direction].bytesDropped > before[direction].bytesDropped);
    case 'stall':
      return mode.directions.some((direction) => now[direction].bytesHeld > 0);
    case 'reset':
      return now.connectionsCutInFrame > before.connectionsCutInFrame;
    case 'delay':
    case 'throttle':
    case 'slice':
      return DIRECTIONS.every((direction) => now[direction].bytesDelayed > before[direction].bytesDelayed);
    default:
      return mode satisfies never;
  }
}

/** A probe is a connection that carries bytes in both directions: a relay that was passed by has not counted it. */
function hasPassed(before: LinkCounters, now: LinkCounters): boolean {
  const hasCarried = DIRECTIONS.every((direction) => now[direction].bytesPassed > before[direction].bytesPassed);
  return hasCarried && now.connectionsMade > before.connectionsMade;
}

function evidence(mode: LinkMode, before: LinkCounters, now: LinkCounters): string {
  const bytes = (count: 'bytesDropped' | 'bytesDelayed'): string =>
    DIRECTIONS.map((direction) => `${now[direction][count] - before[direction][count]} B ${direction}`).join(', ');
  switch (mode.mode) {
    case 'pass':
      return 'nothing';
    case 'refuse':
      return `${now.connectionsReset - before.connectionsReset} connections reset`;
    case 'drop':
      return `dropped ${bytes('bytesDropped')}`;
    case 'stall':
      return `held ${DIRECTIONS.map((direction) => `${now[direction].bytesHeld} B ${direction}`).join(', ')}`;
    case 'reset':
      return `${now.connectionsCutInFrame - before.connectionsCutInFrame} connections cut in the middle of a frame`;
    case 'delay':
    case 'throttle':
    case 'slice':
      return `delayed ${bytes('bytesDelayed')}`;
    default:
      return mode satisfies never;
  }
}
