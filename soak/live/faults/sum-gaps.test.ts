import test from 'ava';
import { crc32c } from '../../../src/hash/crc32c.ts';
import { SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { encodeBatch, shardProducer } from '../../../src/message/batch.ts';
import { encodeSum } from '../../../src/message/sum.ts';
import type { LogEntry } from '../../guarantee/history-log.ts';
import { SumGaps } from './sum-gaps.ts';

const S = 1e9;

function sumsAt(shard: number, stampNs: number): LogEntry {
  const header = { kind: 'sums', producer: shardProducer(shard), firstIndex: 0, count: 1, epoch: 1 } as const;
  const sum = encodeSum({ fileId: '0'.repeat(32), lastSequence: 1, bytes: 0, digest: '0'.repeat(64) });
  const bytes = encodeBatch(header, sum, SUMS_JOURNAL, crc32c);
  return {
    n: 1,
    event: { atNs: 0, event: 'batch', journal: SUMS_JOURNAL, begin: 0, end: bytes.length, stampNs, bytes },
  };
}

/** Partition 0 waits from 2 s to 6 s; partition 1 has a sum each second. */
function gaps(): SumGaps {
  const made = new SumGaps();
  for (const second of [1, 2, 6, 7]) made.hear(sumsAt(0, second * S));
  for (let second = 1; second < 8; second += 1) made.hear(sumsAt(1, second * S));
  made.hear(sumsAt(1, 0));
  return made;
}

test('the longest gap is that of the partitions that were asked for, while the time that was asked for', (t) => {
  t.is(gaps().longestNs([0, 1], { fromNs: 3 * S, toNs: 4 * S }), 4 * S);
  t.is(gaps().longestNs([1], { fromNs: 3 * S, toNs: 4 * S }), S);
  t.is(gaps().longestNs([0], { fromNs: 6 * S, toNs: 6.5 * S }), S);
  t.is(gaps().longestNs([], { fromNs: 0, toNs: S }), 0);
});

test('of what was not read nothing is known, which is not 0', (t) => {
  t.is(gaps().longestNs([0, 1], { fromNs: 3 * S, toNs: 7.5 * S }), null);
  t.is(gaps().longestNs([0, 2], { fromNs: 3 * S, toNs: 4 * S }), null);
  t.is(new SumGaps().longestNs([0], { fromNs: 0, toNs: 1 }), null);
});
