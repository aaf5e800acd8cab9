/**
 * Stops processes (SIGSTOP) and continues them (SIGCONT) through a child. When this process is killed, the child
 * continues all that it has stopped, and ends. So nothing stays stopped, whichever process dies.
 */

import { fileURLToPath } from 'node:url';
import { OperatingError } from '../core/errors.ts';
import { Child, howEnded } from './child.ts';

const PROGRAM = fileURLToPath(new URL('./pauser-process.js', import.meta.url));

export class Pauser {
  readonly #onLost: (error: OperatingError) => void;
  /** Pids that it was asked to stop, and not yet to continue. */
  readonly #stopped = new Set<number>();
  #child: Child | null = null;
  #isClosed = false;

  /** `onLost`: the child has ended, though nobody asked for it. The processes that it had stopped run again. */
  constructor(options: { readonly onLost: (error: OperatingError) => void }) {
    this.#onLost = options.onLost;
  }

  /** Null while there is no child. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts the child, so that the first stop is not late. */
  start(): void {
    if (this.#child !== null || this.#isClosed) return;
    const argv = [process.execPath, PROGRAM];
    const child = new Child({ argv, stdio: ['pipe', 'ignore', 'ignore'], isDetached: true });
    this.#child = child;
    void child.ended.then((end) => this.#lost(howEnded(end), end.error));
  }

  /** The process is continued after `limitMs` at the latest. */
  stop(pid: number, limitMs: number): void {
    this.start();
    this.#stopped.add(pid);
    this.#child?.stdin?.write(`stop ${pid} ${Math.ceil(limitMs)}\n`);
  }

  resume(pid: number): void {
    if (this.#stopped.delete(pid)) this.#child?.stdin?.write(`continue ${pid}\n`);
  }

  /** Continues everything, and ends the child. */
  close(): void {
    this.#isClosed = true;
    this.#stopped.clear();
    this.#child?.stdin?.end();
  }

  #lost(how: string, cause: OperatingError | null): void {
    if (this.#isClosed || this.#child === null) return;
    this.#child = null;
    this.#isClosed = true;
    for (const pid of this.#stopped) {
      try {
        process.kill(pid, 'SIGCONT');
      } catch {
        // The child has ended.
      }
    }
    this.#stopped.clear();
    this.#onLost(new OperatingError('ERR_PAUSER', `the process that pauses other processes: ${how}`, { cause }));
  }
}
