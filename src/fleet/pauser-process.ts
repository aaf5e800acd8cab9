/**
 * The process that stops and continues other processes (`pauser.ts`). It outlives its parent: when its stdin ends, it
 * continues everything that it has stopped. Commands are lines: `stop PID LIMIT_MS` and `continue PID`. No process
 * stays stopped for longer than its limit.
 */

import { createInterface } from 'node:readline';

const limits = new Map<number, NodeJS.Timeout>();

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // The process has ended.
  }
}

function resume(pid: number): void {
  clearTimeout(limits.get(pid));
  if (limits.delete(pid)) signal(pid, 'SIGCONT');
}

function stop(pid: number, limitMs: number): void {
  clearTimeout(limits.get(pid));
  limits.set(
    pid,
    setTimeout(() => resume(pid), limitMs),
  );
  signal(pid, 'SIGSTOP');
}

// A terminal signals its whole group, and a service manager all that it has started. Stopped processes must be
// continued first, so these signals are ignored.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const [verb = '', pid = '', limitMs = ''] = line.split(' ');
  if (verb === 'stop') stop(Number(pid), Number(limitMs));
  else if (verb === 'continue') resume(Number(pid));
});
lines.on('close', () => {
  for (const pid of limits.keys()) resume(pid);
});
