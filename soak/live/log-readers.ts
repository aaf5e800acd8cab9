/** Readers of a soak's log while it is written: meters, violations.csv, and the lines for the user. */

import type { ComponentEvent } from '../../src/component/protocol.ts';
import type { Meter } from '../../src/fleet/meter.ts';
import type { LogListener } from '../guarantee/history-log.ts';
import { violationLine } from '../guarantee/violation.ts';
import type { Display } from './display.ts';
import type { SoakFiles } from './soak-files.ts';

/** Violations beyond the first are only written to violations.csv; the verdict tells them by their causes. */
const VIOLATIONS_SHOWN = 1;

/** The meters add up the processes' reports. */
export function meterReader(meter: Meter): LogListener {
  return ({ event }) => {
    if (event.event === 'said') measure(meter, event.process, event.said);
    else if (event.event === 'retired') meter.retire(event.process);
  };
}

function measure(meter: Meter, process: string, said: ComponentEvent): void {
  switch (said.event) {
    case 'ready':
      // A checker finds what the process has forgotten, as a violation.
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

/** Writes down and shows violations, whoever has found them, and crashes. `count`: the number of violations. */
export class ViolationReader {
  readonly #files: Pick<SoakFiles, 'violation'>;
  readonly #display: Pick<Display, 'say'>;
  readonly #onViolation: () => void;
  count = 0;

  constructor(options: {
    readonly files: Pick<SoakFiles, 'violation'>;
    readonly display: Pick<Display, 'say'>;
    readonly onViolation: () => void;
  }) {
    this.#files = options.files;
    this.#display = options.display;
    this.#onViolation = options.onViolation;
  }

  readonly listen: LogListener = ({ event }) => {
    if (event.event === 'crashed') this.#display.say(`${event.process}: ${event.what}`, 'bad');
    if (event.event !== 'violation' && event.event !== 'found') return;
    this.count += 1;
    if (this.count <= VIOLATIONS_SHOWN) this.#display.say(`violation: ${violationLine(event)}`, 'bad');
    this.#files.violation(event, event.atNs);
    this.#onViolation();
  };
}
