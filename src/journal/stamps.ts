/**
 * Stamps are the broker's monotonic time. Only a process with the same clock can compare them: in one boot of the
 * machine and one time namespace. To any other process stamps are unknown, like stamps of an earlier boot.
 */

import { unreachable } from '../core/assert.ts';
import { clockDomain } from '../core/clock-domain.ts';
import { crc32c } from '../hash/crc32c.ts';
import type { BrokerMessage } from './protocol.ts';

/** Names the monotonic clock of this process, for stamps; u32. */
export function clockHash(): number {
  return crc32c(0, Buffer.from(clockDomain()));
}

/** An unknown stamp. */
const UNKNOWN = 0;

/**
 * The message without the broker's stamps. What an answer reports as durable counts as durable since the answer was
 * read, `readNs`. The time at which a read batch became durable is then unknown. A value that is not a message stays as
 * it is, for its validator.
 */
export function withoutStamps<M extends BrokerMessage>(message: M, readNs: number): M {
  switch (message.t) {
    case 'acks':
      return {
        ...message,
        acks: message.acks.map((ack) => (isObject(ack) ? { ...ack, outcome: stamped(ack.outcome, readNs) } : ack)),
      };
    case 'batches':
      return { ...message, batches: message.batches.map(([begin, end]) => [begin, end, UNKNOWN] as const) };
    case 'part':
      return { ...message, batch: [message.batch[0], message.batch[1], UNKNOWN] };
    case 'reply':
      return { ...message, result: stamped(message.result, readNs) };
    case 'opened':
    case 'lost':
    case 'reopen':
    case 'busy':
    case 'pong':
    case 'end':
    case 'refused':
      return message;
    default:
      return unreachable(message);
  }
}

function stamped<T>(value: T, readNs: number): T {
  return isObject(value) && 'stampNs' in value ? { ...value, stampNs: readNs } : value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
