/**
 * Tells observers what a soak does and what happens: it reads the run's log while it is written, describes each step of
 * the experiment in a line, and knows what is under way now.
 */

import type { LogListener } from '../guarantee/history-log.ts';
import type { HistoryEvent } from '../guarantee/history.ts';
import type { Phase } from '../guarantee/phase.ts';
import { EXIT } from '../../src/core/errors.ts';
import { formatDuration } from '../../src/core/units.ts';
import type { Tone } from './colors.ts';
import { type TimedPhase, timedPhases } from './phases.ts';
import type { ExperimentStatus, ExperimentView } from './experiment-view.ts';
import type { SoakOptions } from './soak-options.ts';

type Said = { say(line: string, tone: Tone): void };

type Asked = Pick<SoakOptions, 'durationMs' | 'rate' | 'faults'>;

type Open = {
  readonly id: number;
  readonly what: string;
  readonly injectedNs: number;
  stage: 'injected' | 'proven' | 'healed';
  sinceNs: number;
};

/** In these phases processes end because they are finished. */
const ENDING: readonly Phase[] = ['drain', 'audit'];

export class ExperimentReader {
  readonly #startNs: number;
  readonly #timed: readonly TimedPhase[];
  readonly #asked: Asked;
  readonly #display: Said;
  readonly #open = new Map<number, Open>();
  readonly #down = new Set<string>();
  readonly #counts = { injected: 0, proven: 0, healed: 0, recovered: 0 };
  #phase: Phase = 'warm-up';
  /** When the phase began; null: not all processes have been ready yet. */
  #sinceNs: number | null = null;

  constructor(options: {
    readonly startNs: number;
    readonly options: Asked;
    readonly display: Said;
  }) {
    this.#startNs = options.startNs;
    this.#asked = options.options;
    this.#timed = timedPhases(options.options);
    this.#display = options.display;
  }

  readonly listen: LogListener = ({ event }) => {
    if (event.event === 'up') this.#onPhase(this.#phase, event.atNs);
    else if (event.event === 'phase' && event.phase !== 'warm-up') this.#onPhase(event.phase, event.atNs);
    else if (event.event === 'ended') this.#onEnded(event);
    else if (event.event === 'said' && event.said.event === 'ready') this.#down.delete(event.process);
    else if (event.event === 'fault') this.#onFault(event);
    else if (isStep(event)) this.#onStep(event);
  };

  /** The status for the display at `nowNs`, without the counters. */
  status(nowNs: number): ExperimentStatus {
    const { durationMs, rate } = this.#asked;
    return { durationMs, offered: rate, experiment: this.view(nowNs) };
  }

  /** The view at `nowNs`. */
  view(nowNs: number): ExperimentView {
    const open = [...this.#open.values()].map(({ what, stage, sinceNs }) => ({
      what,
      stage,
      sinceMs: Math.max(0, nowNs - sinceNs) / 1e6,
    }));
    return { phases: this.#phases(), open, down: [...this.#down], counts: { ...this.#counts } };
  }

  #phases(): ExperimentView['phases'] {
    const now = this.#timed.findIndex(({ phase }) => phase === this.#phase);
    let endMs = this.#sinceNs === null ? null : (this.#sinceNs - this.#startNs) / 1e6;
    return this.#timed.slice(now < 0 ? this.#timed.length : now).map(({ phase, durationMs }) => {
      if (endMs !== null) endMs += durationMs;
      return { phase, endMs };
    });
  }

  #line(atNs: number, what: string, text: string, tone: Tone): void {
    const at = `${((atNs - this.#startNs) / 1e9).toFixed(1)} s`;
    this.#display.say(`${at.padStart(10)}  ${what.padEnd(LABEL_WIDTH)}${text}`, tone);
  }

  #onPhase(phase: Phase, atNs: number): void {
    this.#phase = phase;
    this.#sinceNs = atNs;
    const [timed] = this.#phases();
    const until =
      timed?.endMs === undefined || timed.endMs === null ? '' : `, until ${(timed.endMs / 1e3).toFixed(1)} s`;
    this.#line(atNs, 'phase', `${phase}${until}`, 'phase');
  }

  /** A process that was replaced, or has finished, is not shown as down. */
  #onEnded({ process, exitCode }: Extract<HistoryEvent, { event: 'ended' }>): void {
    const isDone = exitCode === EXIT.fenced || (exitCode === 0 && ENDING.includes(this.#phase));
    if (isDone) this.#down.delete(process);
    else this.#down.add(process);
  }

  #onFault({ id, kind, target, atNs, insteadOf }: Extract<HistoryEvent, { event: 'fault' }>): void {
    const what = `fault ${id}, ${kind} of ${target}`;
    this.#open.set(id, { id, what, injectedNs: atNs, stage: 'injected', sinceNs: atNs });
    if (insteadOf === undefined) this.#counts.injected += 1;
    const again = insteadOf === undefined ? '' : `: again, in the place of fault ${insteadOf}`;
    this.#line(atNs, 'injected', what + again, 'injected');
  }

  #onStep(step: FaultStep): void {
    const { id, atNs } = step;
    const open = this.#open.get(id);
    if (open === undefined) return;
    const after = (ns: number): string =>
      `${open.what}: after ${formatDuration(Math.max(0, ns - open.injectedNs) / 1e6)}`;
    switch (step.event) {
      case 'fault-effective':
        Object.assign(open, { stage: 'proven', sinceNs: atNs });
        this.#counts.proven += 1;
        return this.#line(atNs, 'proven', after(atNs), 'proven');
      case 'fault-refuted':
        this.#open.delete(id);
        this.#counts.proven -= 1;
        return this.#line(atNs, 'refuted', `${open.what}: its proof was contradicted`, 'doubt');
      case 'fault-missed':
        this.#open.delete(id);
        return this.#line(atNs, 'missed', `${open.what}: never seen to hit`, 'doubt');
      case 'fault-healed':
        Object.assign(open, { stage: 'healed', sinceNs: atNs });
        this.#counts.healed += 1;
        return this.#line(atNs, 'healed', after(atNs), 'healed');
      case 'fault-recovered':
        this.#open.delete(id);
        this.#counts.recovered += 1;
        return this.#line(atNs, 'recovered', after(step.recoveredNs ?? atNs), 'recovered');
      default:
        step satisfies never;
    }
  }
}

const LABEL_WIDTH = 11;

type FaultStep = Extract<HistoryEvent, { event: `fault-${string}` }>;

function isStep(event: HistoryEvent): event is FaultStep {
  return event.event.startsWith('fault-');
}
