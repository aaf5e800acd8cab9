/**
 * A process of a suite, for work that cannot be measured in this process. It gets one request at a time over Node's
 * channel. It ends with the channel, so it never outlives its parent. It ignores Ctrl-C, which is for the parent.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { assert } from '../../src/core/assert.ts';
import { OperatingError } from '../../src/core/errors.ts';

type Reply<Answer> = { readonly answer: Answer } | { readonly failure: string };

/** The parent's end. */
export class WorkerProcess<Request extends object, Answer> {
  readonly #child: ChildProcess;
  readonly #name: string;

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
  }

  /** Starts a module that calls `serveRequests`, and waits until it serves. */
  static async start<Request extends object, Answer>(options: {
    readonly name: string;
    readonly modulePath: string;
    readonly argv: readonly string[];
    readonly environment?: Readonly<Record<string, string>>;
  }): Promise<WorkerProcess<Request, Answer>> {
    const child = fork(options.modulePath, [...options.argv], { env: { ...process.env, ...options.environment } });
    const started = new WorkerProcess<Request, Answer>(options.name, child);
    await started.#reply();
    return started;
  }

  get pid(): number {
    assert(this.#child.pid !== undefined, 'a process that was started has a pid');
    return this.#child.pid;
  }

  /** Throws OperatingError ERR_WORKER when the worker fails, or ends instead of answering. */
  async ask(request: Request): Promise<Answer> {
    // When a process has just died, an error of the channel may come before its exit. The exit says more.
    if (this.#isOver) throw this.#overError();
    this.#child.send(request, () => undefined);
    return this.#reply();
  }

  async #reply(): Promise<Answer> {
    const ended = new AbortController();
    const onExit = (): void => ended.abort();
    this.#child.once('exit', onExit);
    try {
      const [reply]: Reply<Answer>[] = await once(this.#child, 'message', { signal: ended.signal });
      assert(reply !== undefined, 'a message has a value');
      if ('failure' in reply) throw new OperatingError('ERR_WORKER', `${this.#name}: ${reply.failure}`);
      return reply.answer;
    } catch (cause) {
      if (!ended.signal.aborted) throw cause;
      throw this.#overError(cause);
    } finally {
      this.#child.off('exit', onExit);
    }
  }

  get #isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #overError(cause?: unknown): OperatingError {
    return new OperatingError('ERR_WORKER', `${this.#name}: its process ended`, { cause });
  }

  async end(): Promise<void> {
    if (this.#isOver) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}

/** A terminal, or a service manager, sends these signals to the parent's whole group. */
const PARENTS_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The worker's end: answers every request of its parent, and ends with the channel. */
export function serveRequests(serve: (request: unknown) => Promise<object>): void {
  for (const signal of PARENTS_SIGNALS) process.on(signal, () => undefined);
  process.on('message', (request) => {
    serve(request).then(
      (answer) => respond({ answer }),
      (error: unknown) => respond({ failure: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
  // The parent may have ended before this process listened.
  if (!process.connected) process.exit();
  respond({ answer: null });
}

function respond(message: Reply<object | null>): void {
  process.send?.(message);
}
