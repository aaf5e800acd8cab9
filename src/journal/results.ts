/** Validates the answers of the broker before a client uses them, because they come from another process. */

import { asRecord, isCount } from '../core/assert.ts';
import type { AppendOutcome } from './journals.ts';
import type { Call } from './protocol.ts';

type Fields = Record<string, unknown>;
type Check = (result: Fields) => boolean;

const isTime = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isText = (value: unknown): boolean => typeof value === 'string';
const isTextOrNull = (value: unknown): boolean => value === null || isText(value);

/** By outcome, the other fields that an answer must have. */
type Outcomes = Readonly<Record<string, Check>>;

const always: Check = () => true;
const ended: Check = ({ n }) => isCount(n) && n >= 1;
const fenced: Check = ({ epoch }) => isCount(epoch);
const beyond: Check = ({ head }) => isCount(head);
const expected: Check = ({ n, stampNs }) => isCount(n) && isTime(stampNs);

const APPEND: Outcomes = {
  committed: ({ begin, end, stampNs }) => isCount(begin) && isCount(end) && begin < end && isTime(stampNs),
  expected,
  refused: always,
  fenced,
  ended,
  corrupt: ({ reason }) => isText(reason),
  rejected: ({ reason }) => isText(reason),
};

function isOneOf(outcomes: Outcomes): Check {
  return (result) => {
    const { outcome } = result;
    return typeof outcome === 'string' && Object.hasOwn(outcomes, outcome) && outcomes[outcome]?.(result) === true;
  };
}

const isJournal: Check = ({ name, begin, head }) => isText(name) && isCount(begin) && isCount(head) && begin <= head;
const isShard: Check = ({ shard, epoch, confirmed, hold }) =>
  isCount(shard) && isCount(epoch) && isTextOrNull(confirmed) && isCount(hold);

function isListOf(items: unknown, check: Check): boolean {
  return (
    Array.isArray(items) &&
    items.every((item) => {
      const fields = asRecord(item);
      return fields !== null && check(fields);
    })
  );
}

const RESULTS: Readonly<Record<Call['op'], Check>> = {
  expected: isOneOf({ expected, ended, fenced }),
  head: ({ head }) => isCount(head),
  list: ({ partitions, batchBytesMax, journals, shards }) =>
    isCount(partitions) &&
    isCount(batchBytesMax) &&
    isListOf(journals, isJournal) &&
    isListOf(shards, isShard) &&
    Array.isArray(shards) &&
    shards.length === partitions,
  raise: isOneOf({
    raised: ({ epoch, confirmed }) => isCount(epoch) && isTextOrNull(confirmed),
    replaced: ({ confirmed }) => isText(confirmed),
    moved: ({ epoch }) => isCount(epoch),
  }),
  vouch: isOneOf({ held: always, lost: always, another: always, unknown: always }),
  confirm: isOneOf({ confirmed: always, fenced }),
  report: isOneOf({ reported: always, beyond, fenced }),
  hold: ({ offset, nextIndexes }) =>
    isCount(offset) && Object.values(asRecord(nextIndexes) ?? { none: null }).every(isCount),
  'move-hold': isOneOf({ moved: always, missing: always, beyond }),
  release: isOneOf({ released: always }),
  retire: isOneOf({ ended: always }),
};

/** Whether the value can be the answer to a call. */
export function isResultOf(op: Call['op'], value: unknown): boolean {
  const result = asRecord(value);
  return result !== null && RESULTS[op](result);
}

const isAppendOutcome = isOneOf(APPEND);

/** Answers to appends; `null` when one of them is not valid. */
export function decodeAcks(value: unknown): { readonly id: number; readonly outcome: AppendOutcome }[] | null {
  if (!Array.isArray(value)) return null;
  const acks: { id: number; outcome: AppendOutcome }[] = [];
  for (const item of value) {
    const ack = asRecord(item);
    const outcome = asRecord(ack?.['outcome']);
    if (ack === null || outcome === null || !isCount(ack['id']) || !isAppendOutcome(outcome)) return null;
    acks.push({ id: ack['id'], outcome: outcome as AppendOutcome });
  }
  return acks;
}
