/** Composition of a client's connection to the embedded broker. */

import { randomBytes } from 'node:crypto';
import { systemClock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { JournalClient } from '../journal/client.ts';
import { clockHash } from '../journal/stamps.ts';
import { checkConnectable } from '../transport/endpoint-check.ts';
import { type Endpoint, parseEndpoint } from '../transport/endpoint.ts';
import { ZeromqDialer } from '../transport/zeromq-link.ts';

export { libzmqVersion } from '../transport/zeromq-link.ts';

/**
 * `data`: the data folder of the same command line. Throws a UsageError unless a broker may listen there, now or later.
 */
export function parseConnect(text: string, data: string | null): Endpoint {
  const endpoint = parseEndpoint(text, '--connect');
  checkConnectable(endpoint, { option: '--connect', data });
  return endpoint;
}

export function connectJournals(endpoint: string, name: string, log?: Log): JournalClient {
  return new JournalClient({
    dialer: new ZeromqDialer(parseEndpoint(endpoint, '--connect')),
    clock: systemClock,
    name,
    address: endpoint,
    clockHash: clockHash(),
    newSession: () => randomBytes(16).toString('hex'),
    onSessionLost: (reason) => log?.info({ reason }, 'reconnecting'),
  });
}
