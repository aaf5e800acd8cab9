/** Composition of a client's connection to the embedded broker. */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { systemClock } from '../core/clock.ts';
import { JournalClient } from '../journal/client.ts';
import { parseEndpoint } from '../transport/endpoint.ts';
import { ZeromqDialer } from '../transport/zeromq-link.ts';

export { libzmqVersion } from '../transport/zeromq-link.ts';

export function connectJournals(endpoint: string, name: string, log?: Logger): JournalClient {
  return new JournalClient({
    dialer: new ZeromqDialer(parseEndpoint(endpoint)),
    clock: systemClock,
    name,
    newSession: () => randomBytes(16).toString('hex'),
    onSessionLost: (reason) => log?.info({ reason }, 'reconnecting'),
  });
}

/** Names the boot of the machine, within which monotonic times are comparable. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return randomBytes(16).toString('hex');
  }
}
