import test from 'ava';
import { makeCheckers } from './checkers/index.ts';
import { violationsOf } from './verdict.ts';
import { buildHistory } from './checkers/testing/history-builder.ts';
import type { Checker, Happening, HistoryEvent } from './history.ts';
import type { Finding } from './violation.ts';
import { HistoryDigest } from './history-digest.ts';
import { type Cause, HistoryLog, type LogEntry } from './history-log.ts';

function seeing(seen: HistoryEvent[]): Checker {
  return {
    name: 'seeing',
    observe: (event) => {
      seen.push(event);
    },
    finish: () => ({ violations: [], violationCount: 0, inconclusive: [] }),
  };
}

function happeningsOf(events: readonly HistoryEvent[]): Happening[] {
  return events.map((event) => {
    const { atNs: _, ...happening } = event;
    return happening;
  });
}

test('listeners see every event as it happened, with its number; checkers see what the filter lets through', (t) => {
  const seen: HistoryEvent[] = [];
  const entries: LogEntry[] = [];
  let nowNs = 10;
  const log = new HistoryLog({
    nowNs: () => nowNs,
    checkers: [seeing(seen)],
    filter: (event) => (event.event === 'ready' ? [] : [event, event]),
    listeners: [(entry) => entries.push(entry)],
  });
  const cause: Cause = { kind: 'message', process: 'broker', from: 1 };
  t.is(log.record({ event: 'started', process: 'broker' }), 1);
  nowNs = 20;
  t.is(log.record({ event: 'ready', process: 'broker' }, cause), 2);
  log.end();
  t.deepEqual(entries, [
    { n: 1, event: { atNs: 10, event: 'started', process: 'broker' } },
    { n: 2, event: { atNs: 20, event: 'ready', process: 'broker' }, cause },
    { n: 3, event: { atNs: 20, event: 'end', events: 2 } },
  ]);
  t.deepEqual(
    seen.map(({ event }) => event),
    ['started', 'started', 'end', 'end'],
  );
});

test('an event without a cause has that of what is happening now', (t) => {
  const entries: LogEntry[] = [];
  let now: Cause | undefined = { kind: 'timer' };
  const log = new HistoryLog({
    nowNs: () => 1,
    checkers: [],
    listeners: [(entry) => entries.push(entry)],
    causeNow: () => now,
  });
  log.record({ event: 'started', process: 'broker' });
  log.record({ event: 'started', process: 'broker' }, { kind: 'fault' });
  now = undefined;
  log.record({ event: 'started', process: 'broker' });
  t.deepEqual(
    entries.map(({ cause }) => cause?.kind),
    ['timer', 'fault', undefined],
  );
});

test('each violation is handed over once, those of the end included, in the order in which they were found', (t) => {
  const events = buildHistory({ tampering: { sum: (sum, { index }) => (index % 7 === 3 ? [sum, sum] : [sum]) } });
  const handedOver: Finding[] = [];
  let before = 0;
  const checkers = makeCheckers();
  const log = new HistoryLog({ nowNs: () => 1, checkers, onFinding: (finding) => handedOver.push(finding) });
  for (const happening of happeningsOf(events)) log.record(happening);
  before = handedOver.length;
  const found = violationsOf(log.finish());
  t.true(before > 0);
  t.is(handedOver.length, found.length);
  t.true(found.every((finding) => handedOver.includes(finding)));
  t.true(handedOver.length > before, 'the end shows some that nothing before it does');
  t.deepEqual(
    handedOver.slice(0, before).map(({ atNs }) => atNs),
    handedOver
      .slice(0, before)
      .map(({ atNs }) => atNs)
      .toSorted((one, other) => one - other),
  );
});

test('the digest tells histories apart by any byte and any time, and not by causes', (t) => {
  const events = buildHistory({ records: 20 });
  const digestOf = (changed: (event: HistoryEvent, at: number) => HistoryEvent, cause?: Cause): string => {
    const digest = new HistoryDigest();
    for (const [at, event] of events.entries()) {
      const entry = { n: at + 1, event: changed(event, at) };
      digest.add(cause === undefined ? entry : { ...entry, cause });
    }
    return digest.hex;
  };
  const whole = digestOf((event) => event);
  t.is(
    digestOf((event) => event, { kind: 'timer' }),
    whole,
  );
  t.not(
    digestOf((event, at) => (at === 5 ? { ...event, atNs: event.atNs + 1 } : event)),
    whole,
  );
  const batch = events.findIndex(({ event }) => event === 'batch');
  t.not(
    digestOf((event, at) => {
      if (event.event !== 'batch' || at !== batch) return event;
      const bytes = Buffer.from(event.bytes);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      return { ...event, bytes };
    }),
    whole,
  );
});
