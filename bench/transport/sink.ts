/**
 * The far end of the transport suite, a process of its own: acknowledges every message, and counts what it was sent.
 */

import { crc32c } from '../../src/hash/crc32c.ts';
import { parseEndpoint } from '../../src/transport/endpoint.ts';
import { listenZeromq } from '../../src/transport/zeromq-link.ts';
import { serveRequests } from '../harness/worker-process.ts';
import type { SinkCounts } from './suite.ts';

const ACKNOWLEDGEMENT = [Buffer.from('acknowledged')];
let messages = 0;
let bytes = 0;
let last: Uint8Array = new Uint8Array(0);

const link = await listenZeromq(parseEndpoint(process.argv[2] ?? ''), {
  onMessage: (session, [message]) => {
    if (message === undefined) return;
    messages += 1;
    bytes += message.length;
    last = message;
    link.send(session, ACKNOWLEDGEMENT);
  },
  // Its line was closed; one that breaks is noticed at its other end.
  onUnreachable: () => undefined,
  onFatal: (error) => {
    throw error;
  },
});

/** What it was sent since the last request. */
serveRequests((): Promise<SinkCounts> => {
  const counts = { messages, bytes, lastChecksum: crc32c(0, last) };
  messages = 0;
  bytes = 0;
  return Promise.resolve(counts);
});
