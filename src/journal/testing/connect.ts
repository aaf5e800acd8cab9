/** A client of an embedded broker at an endpoint, with the machine's clock. */

import { randomBytes } from 'node:crypto';
import { systemClock } from '../../core/clock.ts';
import { parseEndpoint } from '../../transport/endpoint.ts';
import { ZeromqDialer } from '../../transport/zeromq-link.ts';
import { JournalClient } from '../client.ts';
import { clockHash } from '../stamps.ts';

export function connect(endpoint: string, onSessionLost: (reason: string) => void = () => {}): JournalClient {
  return new JournalClient({
    dialer: new ZeromqDialer(parseEndpoint(endpoint)),
    clock: systemClock,
    name: 'test',
    address: endpoint,
    clockHash: clockHash(),
    newSession: () => randomBytes(16).toString('hex'),
    onSessionLost,
  });
}
