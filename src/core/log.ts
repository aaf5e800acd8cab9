/**
 * A log as protocol code sees it. Its methods never throw: a line that cannot be written is counted and dropped, and
 * changes nothing else.
 */

export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = 'info' | 'warn' | 'fatal';

/** One line for each call: fields, then what happened in words. */
export type Log = { readonly [Level in LogLevel]: (fields: LogFields, message: string) => void };

/**
 * Calls `work` and drops what it throws; returns whether it succeeded. For work whose failure must not change what
 * follows.
 */
export function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

/** Hands each line on to a log that may throw. `onDropped` counts the lines that the log did not take. */
export function safeLog(log: Log, onDropped: () => void = () => {}): Log {
  const level =
    (name: LogLevel) =>
    (fields: LogFields, message: string): void => {
      if (!attempt(() => log[name](fields, message))) attempt(onDropped);
    };
  return { info: level('info'), warn: level('warn'), fatal: level('fatal') };
}
