/** Runs a program that does one thing and ends, and says how it ended and what it wrote. */

import { closeSync, openSync } from 'node:fs';
import { type Clock, type Timer, systemClock } from '../core/clock.ts';
import { interruptedError } from '../core/errors.ts';
import { Child, type ChildEnd, type ChildOptions } from './child.ts';

/** Of what a program writes, the last bytes are kept. */
export const KEPT_BYTES_MAX: number = 4 * 1024 * 1024;

export type RunOptions = Omit<ChildOptions, 'stdio'> & {
  /** What it reads from its stdin, which then ends. Absent: nothing. */
  readonly input?: string;
  /** `keep`: it is returned. `inherit`: it goes where that of this process goes. Or the path to append it to. */
  readonly output: 'keep' | 'inherit' | { readonly logPath: string };
  /**
   * Ends it, and with `isDetached` all that it has started: by SIGTERM, and after `graceMs` by SIGKILL. 0: at once by
   * SIGKILL. A program whose signal is already aborted is not started.
   */
  readonly abort?: { readonly signal: AbortSignal; readonly graceMs: number; readonly clock?: Clock };
};

export type ProgramEnd = ChildEnd & {
  readonly pid: number | null;
  /** What it wrote to its stdout and stderr, in the order in which it came; empty unless `keep`. */
  readonly said: string;
  /** What it wrote to its stdout; empty unless `keep`. */
  readonly stdout: string;
};

/** Never rejects. Throws an error of the file system when the log cannot be opened. */
export async function runToEnd(options: RunOptions): Promise<ProgramEnd> {
  const { output, input, abort } = options;
  if (abort?.signal.aborted === true) {
    return { pid: null, code: null, signal: null, error: interruptedError(), said: '', stdout: '' };
  }
  const log = typeof output === 'object' ? openSync(output.logPath, 'a') : null;
  const to = log ?? (output === 'keep' ? 'pipe' : 'inherit');
  const child = new Child({ ...options, stdio: [input === undefined ? 'ignore' : 'pipe', to, to] });
  if (log !== null) closeSync(log);
  const kept = new Kept();
  if (output === 'keep') for (const descriptor of [1, 2]) kept.listen(child, descriptor);
  child.stdin?.end(input);
  const release = abort === undefined ? (): void => undefined : endOnAbort(child, abort);
  const end = await child.ended;
  release();
  return { ...end, pid: child.pid, said: kept.text(() => true), stdout: kept.text((descriptor) => descriptor === 1) };
}

/** Returns a function that undoes it, and ends what the program has left behind when it was aborted. */
function endOnAbort(
  child: Child,
  { signal, graceMs, clock = systemClock }: NonNullable<RunOptions['abort']>,
): () => void {
  let timer: Timer | null = null;
  const end = (): void => {
    child.killGroup(graceMs === 0 ? 'SIGKILL' : 'SIGTERM');
    if (graceMs > 0) timer = clock.after(graceMs, () => child.killGroup('SIGKILL'));
  };
  signal.addEventListener('abort', end);
  return (): void => {
    signal.removeEventListener('abort', end);
    timer?.clear();
    if (signal.aborted) child.killGroup('SIGKILL');
  };
}

class Kept {
  readonly #pieces: { readonly descriptor: number; readonly bytes: Buffer }[] = [];
  #size = 0;

  listen(child: Child, descriptor: number): void {
    child.output(descriptor)?.on('data', (bytes: Buffer) => {
      this.#pieces.push({ descriptor, bytes });
      this.#size += bytes.length;
      while (this.#size > KEPT_BYTES_MAX) this.#size -= this.#pieces.shift()?.bytes.length ?? 0;
    });
  }

  text(isWanted: (descriptor: number) => boolean): string {
    const wanted = this.#pieces.filter(({ descriptor }) => isWanted(descriptor)).map(({ bytes }) => bytes);
    return Buffer.concat(wanted).toString('utf8');
  }
}
