/**
 * The log of a component on stderr, one JSON line an event. It is safe by construction: a line that cannot be written
 * is counted and dropped, and the next one that can says how many were.
 */

import { pino } from 'pino';
import { type Log, safeLog } from '../core/log.ts';
import { DescriptorWriter } from './descriptor-writer.ts';

const STDERR = 2;
/** Lines that may wait for a reader of the log that is slow or stopped. */
const PENDING_BYTES_MAX = 256 * 1024;
/** At its end a process waits no longer than this for it. */
const FLUSH_MS = 500;

export type ComponentLog = Log & {
  /** Lines that were not written. */
  readonly dropped: number;
  /** Writes what waits, for a short time. */
  flush(): void;
};

export function openComponentLog(component: string): ComponentLog {
  // Whatever else is printed there, a warning of Node's for instance, is no reason to end either.
  process.stderr.on('error', () => undefined);
  const writer = new DescriptorWriter({ descriptor: STDERR, pendingBytesMax: PENDING_BYTES_MAX });
  let unformatted = 0;
  let told = 0;
  const write = (line: string): void => {
    const dropped = writer.dropped + unformatted;
    if (dropped > told) {
      const before = writer.dropped;
      writer.write(
        `${JSON.stringify({ level: 'warn', component, pid: process.pid, dropped: dropped - told, msg: DROPPED })}\n`,
      );
      if (writer.dropped === before) told = dropped;
    }
    writer.write(line);
  };
  const lines = pino(
    {
      base: { component, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    { write },
  );
  const log = safeLog(lines, () => {
    unformatted += 1;
  });
  return {
    ...log,
    get dropped() {
      return writer.dropped + unformatted;
    },
    flush: () => writer.flush(FLUSH_MS),
  };
}

const DROPPED = 'lines of this log could not be written';
