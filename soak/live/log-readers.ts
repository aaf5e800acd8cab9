/** What reads the log of a soak while it is written: meters, violations.csv, the lines that a user sees. */

import type { ComponentEvent } from '../../src/component/protocol.ts';
import type { Meter } from '../../src/fleet/meter.ts';
import type { LogListener } from '../guarantee/history-log.ts';
import { violationLine } from '../guarantee/violation.ts';
import type { Display } from './display.ts';
import type { RunRecord } from './record.ts';

/** Violations beyond the first are written to violations.csv; the verdict tells them by their causes. */
const VIOLATIONS_SHOWN = 1;

/** The meters add up what processes say. */
export function meterReader(meter: Meter): LogListener {
  return ({ event }) => {
    if (event.event === 'said') measure(meter, event.process, event.said);
    else if (event.event === 'retired') meter.retire(event.process);
  };
}

function measure(meter: Meter, process: string, said: ComponentEvent): void {
  switch (said.event) {
    case 'ready':
      // What it has forgotten is a violation that a checker finds.
      meter.onReady(process, said);
      return;
    case 'progress':
      return meter.onProgress(process, said);
    case 'drained':
      return meter.onDrained(process, said);
    case 'recovered':
    case 'violation':
    case 'ending':
    case 'stopped':
      return;
    default:
      said satisfies never;
  }
}

/**
 * Violations, whoever has found them, and crashes: written down and shown. `count` has how many violations there were.
 */
export class ViolationReader {
  readonly #record: Pick<RunRecord, 'violation'>;
  readonly #display: Pick<Display, 'say'>;
  readonly #onViolation: () => void;
  count = 0;

  constructor(options: {
    readonly record: Pick<RunRecord, 'violation'>;
    readonly display: Pick<Display, 'say'>;
    readonly onViolation: () => void;
  }) {
    this.#record = options.record;
    this.#display = options.display;
    this.#onViolation = options.onViolation;
  }

  readonly listen: LogListener = ({ event }) => {
    if (event.event === 'crashed') this.#display.say(`${event.process}: ${event.what}`, 'bad');
    if (event.event !== 'violation' && event.event !== 'found') return;
    this.count += 1;
    if (this.count <= VIOLATIONS_SHOWN) this.#display.say(`violation: ${violationLine(event)}`, 'bad');
    this.#record.violation(event, event.atNs);
    this.#onViolation();
  };
}
