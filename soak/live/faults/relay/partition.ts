/**
 * A fault of the relay on the links of one, several or all clients. For each link, it is proven when two witnesses
 * agree: the relay, whose counters say that the mode has hit bytes of the client or the broker, and a probe from
 * outside that met it. It is healed when a probe from outside was answered through each link, as fast as a whole link
 * answers, and the relay has counted that probe.
 *
 * A probe of the whole link comes first. Otherwise a broker that does not answer could look like the fault.
 */

import { type Clock, delay } from '../../../../src/core/clock.ts';
import { OperatingError } from '../../../../src/core/errors.ts';
import type { FaultAction, Sight } from '../actions/action.ts';
import type { LinkCounters } from './counters.ts';
import { DIRECTIONS, type LinkMode, linkModeText, PASS } from './link-mode.ts';
import { type ProbeLink, type ProbeOutcome, probeLink, probeOf, probesOf, seenBy } from './link-probe.ts';
import type { Relay } from './relay-process.ts';

/** The time between two looks at the counters, or two probes. */
const LOOK_MS = 20;

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

export class Partition implements FaultAction {
  readonly #options: PartitionOptions;
  readonly #probe: ProbeLink;
  #proof: Sight | null = null;
  #healing: Sight | null = null;
  #isHealing = false;
  /** Steps are done one after the other. */
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

  /**
   * The relay lets go of the links at once, even while a long probe is under way, and obeys commands in their order.
   * The probes of the healing wait, because the counters of a link must show only them.
   */
  heal(): void {
    this.#isHealing = true;
    const { relay, links, seed } = this.#options;
    const passing = relay.set(links.map((link) => ({ link, mode: PASS, seed })));
    this.#then(() => this.#mend(), passing);
  }

  isOver(): boolean {
    return this.#healing !== null;
  }

  healed(): Sight | null {
    return this.#healing;
  }

  /** A lost relay fails the run elsewhere. Here the fault is only not proven, or not healed. */
  #then(work: () => Promise<void>, besides: Promise<void> = Promise.resolve()): void {
    const before = Promise.all([this.#work, besides]);
    this.#work = before.then(work).catch((error: unknown) => {
      if (!(error instanceof OperatingError)) throw error;
    });
  }

  async #bite(): Promise<void> {
    const { relay, links, mode, seed, clock } = this.#options;
    const before = await Promise.all(links.map((link) => this.#whole(link)));
    if (this.#isHealing) return;
    await relay.set(links.map((link) => ({ link, mode, seed })));
    const saw = await Promise.all(before.map((counters) => this.#bitten(counters)));
    // The last probe may have met the healing.
    if (this.#isHealing) return;
    this.#proof = { atNs: clock.nowNs(), saw: `${linkModeText(mode)} (${saw.join('; ')}; seen by a probe)` };
  }

  /**
   * The counters of a link that has a client and answers, after the end of the probe that has shown it. So a connection
   * that the fault ends belongs to the client.
   */
  async #whole(link: string): Promise<LinkCounters> {
    let before = await this.#counters(link);
    const look = async (): Promise<LinkCounters> => (before = await this.#counters(link));
    await this.#until(async () => (await look()).connectionsOpen > 0);
    const { connectionsOpen } = before;
    await this.#until(async () => seenBy(PASS, await this.#ask(link, probeOf(PASS))) === 'shown');
    await this.#until(async () => (await look()).connectionsOpen <= connectionsOpen);
    return before;
  }

  /**
   * Resolves with what was seen once both witnesses agree, or when the fault is to heal. A refuted fault waits for
   * that.
   */
  async #bitten(before: LinkCounters): Promise<string> {
    const { mode } = this.#options;
    const { link } = before;
    let now = before;
    await this.#until(async () => {
      now = await this.#counters(link);
      return hasBitten(mode, before, now);
    });
    let shown = 0;
    let isRefuted = false;
    await this.#until(async () => {
      if (isRefuted) return false;
      const seen = seenBy(mode, await this.#ask(link, probeOf(mode)));
      shown = seen === 'shown' ? shown + 1 : 0;
      isRefuted = seen === 'refuted';
      return shown >= probesOf(mode);
    });
    return `${link}: ${evidence(mode, before, now)}`;
  }

  async #mend(): Promise<void> {
    const { links, clock } = this.#options;
    await Promise.all(links.map((link) => this.#mended(link)));
    this.#healing = { atNs: clock.nowNs(), saw: `a probe was answered through ${links.join(' ')}` };
  }

  /**
   * Resolves when the link answers faster than under the fault. The probe has the same work as the one that proved the
   * fault.
   */
  async #mended(link: string): Promise<void> {
    const { paddingBytes, timeoutMs, msMin } = probeOf(this.#options.mode);
    for (;;) {
      const before = await this.#counters(link);
      const outcome = await this.#ask(link, { paddingBytes, timeoutMs: timeoutMs + PROBE_MARGIN_MS });
      const isFast = msMin === 0 || outcome.elapsedNs < msMin * 1e6;
      if (outcome.isAnswered && isFast && hasPassed(before, await this.#counters(link))) return;
      await delay(this.#options.clock, LOOK_MS);
    }
  }

  /** Looks until it holds, or until the fault is to heal. */
  async #until(holds: () => Promise<boolean>): Promise<void> {
    while (!this.#isHealing && !(await holds())) await delay(this.#options.clock, LOOK_MS);
  }

  #ask(link: string, work: { readonly paddingBytes: number; readonly timeoutMs: number }): Promise<ProbeOutcome> {
    const { endpointOf, clock } = this.#options;
    return this.#probe(endpointOf(link), { clock, paddingBytes: work.paddingBytes, timeoutMs: work.timeoutMs });
  }

  async #counters(link: string): Promise<LinkCounters> {
    const [counters] = await this.#options.relay.counters([link]);
    if (counters === undefined) throw new OperatingError('ERR_RELAY', `the relay has no counters of ${link}`);
    return counters;
  }
}

/** A whole link answers at once; a busy machine may take longer. */
const PROBE_MARGIN_MS = 2_000;

/** Whether the relay says that the mode has hit bytes. Probes do not count, because none is made meanwhile. */
function hasBitten(mode: LinkMode, before: LinkCounters, now: LinkCounters): boolean {
  switch (mode.mode) {
    case 'pass':
      return false;
    case 'refuse':
      return now.connectionsReset > before.connectionsReset;
    case 'drop':
      // When nothing arrives, nothing is answered: one of two directions may have nothing to drop.
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

/** A probe is a connection that carries bytes in both directions. A relay that was passed by has not counted it. */
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
