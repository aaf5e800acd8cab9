/**
 * The far end of the transport suite, as a separate process: it acknowledges every message, and counts what it gets.
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
  // Its client was closed. A broken connection is noticed at the other end.
  onUnreachable: () => undefined,
  onFatal: (error) => {
    throw error;
  },
});

/** Counts since the last request. */
serveRequests((): Promise<SinkCounts> => {
  const counts = { messages, bytes, lastChecksum: crc32c(0, last) };
  messages = 0;
  bytes = 0;
  return Promise.resolve(counts);
});
