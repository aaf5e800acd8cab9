import test from 'ava';
import fc from 'fast-check';
import { decodeChunks } from '../../../src/message/chunk.ts';
import { decodeSums } from '../../../src/message/sum.ts';
import { shardOfProducer } from './batch-reader.ts';
import type { HistoryEvent } from '../history.ts';
import { TimeChecker } from './time.ts';
import { SLA_MS, buildHistory } from './testing/history-builder.ts';
import { type Found, decoded, isChunks, isSums, replaced, retired, run } from './testing/planted.ts';

function check(events: readonly HistoryEvent[]): Found & { summary: Readonly<Record<string, number>> } {
  const checker = new TimeChecker();
  const found = run(checker, events);
  return { ...found, summary: checker.summary() };
}

/** Delays by file, found in a simple way: with everything in memory. */
function delaysOf(events: readonly HistoryEvent[]): number[] {
  const sums = new Map<string, number>();
  for (const event of events.filter(isSums)) {
    for (const { fileId } of decodeSums(decoded(event).payload) ?? []) sums.set(fileId, event.stampNs);
  }
  const delays: number[] = [];
  for (const event of events.filter(isChunks)) {
    const { producer, firstIndex, payload } = decoded(event);
    const partition = Number(event.journal.slice(-3));
    for (const [at, { fileId, data }] of (decodeChunks(payload) ?? []).entries()) {
      if (data.length > 0) continue;
      const acknowledged = events.find(
        (other) =>
          other.event === 'acknowledged' &&
          other.producer === producer &&
          other.partition === partition &&
          other.through > firstIndex + at,
      );
      if (acknowledged?.event !== 'acknowledged') throw new Error('it is acknowledged');
      delays.push((sums.get(fileId) ?? Number.NaN) - acknowledged.stampNs);
    }
  }
  return delays;
}

test('every file is timed from the first acknowledgement of its end to its sum', (t) => {
  fc.assert(
    fc.property(fc.nat(1e6), (seed) => {
      const events = buildHistory({ seed });
      const { kinds, inconclusive, summary } = check(events);
      const delays = delaysOf(events);
      t.deepEqual(kinds, []);
      t.deepEqual(inconclusive, []);
      t.is(summary['filesJudged'], delays.length);
      t.is(summary['delayMsMax'], Math.max(...delays) / 1e6);
      t.is(summary['filesCensored'], 0);
      t.is(summary['filesUnstamped'], 0);
    }),
    { numRuns: 20 },
  );
});

test('of the files of a retired chunker those are timed of whose acknowledgement it had told', (t) => {
  const { events, producer } = retired(buildHistory({ seed: 1 }));
  const untold = events.filter((event) => event.event !== 'acknowledged' || event.producer !== producer);
  const { kinds, inconclusive, summary } = check(untold);
  t.deepEqual([kinds, inconclusive, summary['filesUnstamped']], [[], [], 0]);
  t.true((summary['filesJudged'] ?? 0) > 0);
  const alive = untold.filter(({ event }) => event !== 'retired');
  t.regex(check(alive).inconclusive.join(), /sums were not timed/);
});

test('a sum after the SLA is late, and named by its file; one within it is not', (t) => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.nat(1e6), (seed, which) => {
      const events = buildHistory({ seed });
      const delayed = (ms: number): HistoryEvent[] =>
        replaced(events, isSums, which, (event) => [{ ...event, stampNs: event.stampNs + ms * 1e6 }]);
      const { violations, summary } = check(delayed(SLA_MS));
      // Files whose end is acknowledged at the same time or later are not late.
      for (const { kind } of violations) t.is(kind, 'late');
      const late = check(delayed(SLA_MS * 2));
      t.is(late.violations[0]?.kind, 'late');
      t.regex(late.violations[0]?.file ?? '', /^[0-9a-f]{32}$/);
      t.true((summary['unavailabilityMsMax'] ?? 0) > 0);
    }),
    { numRuns: 15 },
  );
});

test('stamps that nobody knows are not judged, and no stamp at all is inconclusive', (t) => {
  const events = buildHistory();
  const without = events.map((event) => (isSums(event) ? { ...event, stampNs: 0 } : event));
  const { kinds, inconclusive, summary } = check(without);
  t.deepEqual(kinds, []);
  t.is(inconclusive.length, 1);
  t.is(summary['filesJudged'], 0);
  t.is(summary['filesUnstamped'], delaysOf(events).length);
  const one = replaced(events, isSums, 3, (event) => [{ ...event, stampNs: 0 }]);
  t.deepEqual(check(one).inconclusive, []);
  t.true((check(one).summary['filesUnstamped'] ?? 0) > 0);
});

function shardOf(event: HistoryEvent): number | null {
  return isSums(event) ? shardOfProducer(decoded(event).producer) : null;
}

test('stamps that are unknown of most sums, or of those of one partition, are inconclusive', (t) => {
  const events = buildHistory();
  const without = (isKnown: (event: HistoryEvent, place: number) => boolean): readonly string[] => {
    let place = 0;
    return check(
      events.map((event) => {
        if (!isSums(event)) return event;
        place += 1;
        return isKnown(event, place) ? event : { ...event, stampNs: 0 };
      }),
    ).inconclusive;
  };
  t.regex(without((_, place) => place <= 3).join(), /\d+ of \d+ sums were not timed/);
  t.regex(without((event) => shardOf(event) !== 1).join(), /sums of partition 1 were not timed/);
});

test('files without a sum are censored, and count as unavailability to the end', (t) => {
  const events = buildHistory({ tampering: { sum: (sum, { index }) => (index < 3 ? [sum] : []) } });
  const { kinds, summary } = check(events);
  t.deepEqual(kinds, []);
  t.is((summary['filesJudged'] ?? 0) + (summary['filesCensored'] ?? 0), delaysOf(events).length);
  t.is(summary['filesJudged'], 9);
  t.true((summary['unavailabilityMsMax'] ?? 0) > 3 * (check(buildHistory()).summary['unavailabilityMsMax'] ?? 0));
});

test('the longest unavailability is the longest wait for the next sum of a shard', (t) => {
  // One partition, and one batch of sums that is late by a pause of 700 ms while files waited.
  const events = buildHistory({ partitions: 1 });
  const last = events.filter(isSums).at(-1);
  const paused = events.map((event) => (event === last ? { ...event, stampNs: event.stampNs + 700e6 } : event));
  const ms = check(paused).summary['unavailabilityMsMax'] ?? 0;
  t.true(ms >= 700 && ms <= 700 + (check(events).summary['delayMsMax'] ?? 0) + 50, `${ms} ms`);
});

test('who has not drained within the SLA of the drain is stuck, and late', (t) => {
  const events = buildHistory();
  const audit = events.findIndex((event) => event.event === 'phase' && event.phase === 'audit');
  const drainNs = events.find((event) => event.event === 'phase' && event.phase === 'drain')?.atNs ?? 0;
  const stuck = (ms: number): HistoryEvent[] =>
    events
      .with(audit, { event: 'phase', phase: 'audit', atNs: drainNs + ms * 1e6 })
      .filter((event) => event.event !== 'drained' || event.process !== 'chunker-1');
  t.true(audit > 0);
  t.deepEqual(check(stuck(SLA_MS)).kinds, []);
  const { kinds, violations } = check(stuck(SLA_MS + 1));
  t.deepEqual(kinds, ['late']);
  t.regex(violations[0]?.detail ?? '', /^chunker-1 had not drained/);
});
