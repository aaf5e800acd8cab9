/**
 * The log of a component on stderr, one JSON line an event. Logging never throws: a line that cannot be written is
 * counted and dropped, and the next line that can be written says how many were lost.
 */

import { pino } from 'pino';
import { type Log, safeLog } from '../core/log.ts';
import { DescriptorWriter } from './descriptor-writer.ts';

const STDERR = 2;
/** Lines that may wait for a slow or stopped reader of the log. */
const PENDING_BYTES_MAX = 256 * 1024;
/** The longest that a process waits for the log when it ends. */
const FLUSH_MS = 500;

export type ComponentLog = Log & {
  /** Lines that were not written. */
  readonly dropped: number;
  /** Writes the waiting lines, within a short time. */
  flush(): void;
};

export function openComponentLog(component: string): ComponentLog {
  // Errors of stderr must not end the process, even when something else prints there, such as a warning of Node.
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

const DROPPED = 'lines of this log were lost: they could not be written';
