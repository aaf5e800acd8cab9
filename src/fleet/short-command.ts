/**
 * Runs a command of this program that does one thing and ends, such as `stream-sum retire`, and keeps its output. The
 * command is not tied to the harness: if it waits for a broker that is gone, it gives up by itself.
 */

import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import type { Launch } from './component-process.ts';

export type CommandEnd = {
  /** Null: the command could not be started, and the only line says why. */
  readonly pid: number | null;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Lines of its stdout and stderr, without line feeds. */
  readonly lines: readonly string[];
};

/** The output is also appended to the log once the command has ended. `signal`: kills the command. Never rejects. */
export function runCommand(
  argv: readonly string[],
  { launch, logPath, signal }: { readonly launch: Launch; readonly logPath: string; readonly signal: AbortSignal },
): Promise<CommandEnd> {
  const { command, argv: before, environment } = launch;
  return new Promise((resolve) => {
    const child = spawn(command, [...before, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...environment, ...process.env },
    });
    const said: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => said.push(bytes));
    const kill = (): void => void child.kill('SIGKILL');
    signal.addEventListener('abort', kill);
    if (signal.aborted) kill();
    child.once('error', ({ message }) => resolve({ pid: null, code: null, signal: null, lines: [message] }));
    child.once('close', (code, endSignal) => {
      signal.removeEventListener('abort', kill);
      const bytes = Buffer.concat(said);
      append(logPath, bytes);
      const lines = bytes.toString('utf8').split('\n');
      resolve({ pid: child.pid ?? null, code, signal: endSignal, lines: lines.filter((line) => line !== '') });
    });
  });
}

/** A log that cannot be written is not a failure, because the lines are returned as well. */
function append(path: string, bytes: Buffer): void {
  try {
    appendFileSync(path, bytes);
  } catch {
    // The disk is full.
  }
}
