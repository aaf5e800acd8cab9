import test from 'ava';
import fc from 'fast-check';
import { unreachable } from '../core/assert.ts';
import { type OperatingError, ViolationError } from '../core/errors.ts';
import { ManualClock } from '../core/testing/manual-clock.ts';
import { crc32c } from '../hash/crc32c.ts';
import { decodeBatch } from '../message/batch.ts';
import { Appender } from './appender.ts';
import { type AppendOutcome, type Journals, chunkJournal } from './journals.ts';
import { PRODUCER, chunks, endOf } from './testing/broker-harness.ts';
import { testSeed } from './testing/seed.ts';

const JOURNAL = chunkJournal(0);

type Sent = { readonly first: number; readonly count: number; readonly answer: (outcome: AppendOutcome) => void };

class Scene {
  readonly clock = new ManualClock();
  /** Appends that are not yet answered, in order. */
  readonly sent: Sent[] = [];
  readonly acknowledged: number[] = [];
  readonly latencies: number[] = [];
  readonly ends: unknown[] = [];
  readonly appender: Appender;
  sends = 0;

  constructor(options: { windowBatches?: number; acknowledged?: number } = {}) {
    const { windowBatches = 4, acknowledged = 0 } = options;
    const append = (_journal: string, bytes: Uint8Array): Promise<AppendOutcome> => {
      const batch = decodeBatch(bytes, JOURNAL, crc32c);
      if ('fault' in batch) throw new Error(batch.fault);
      this.sends += 1;
      return new Promise((answer) => this.sent.push({ first: batch.firstIndex, count: batch.count, answer }));
    };
    this.appender = new Appender({
      journals: { append } as unknown as Journals,
      clock: this.clock,
      journal: JOURNAL,
      producer: PRODUCER,
      acknowledged,
      windowBatches,
      events: {
        onAcknowledged: (through) => this.acknowledged.push(through),
        onLatency: (latencyNs) => this.latencies.push(latencyNs),
        onFenced: () => this.ends.push('fenced'),
        onEnded: () => this.ends.push('ended'),
        onError: (error) => this.ends.push(error),
      },
    });
  }

  push(...firsts: readonly number[]): void {
    for (const first of firsts) this.appender.push({ first, count: 10, bytes: chunks(first, 10) });
  }

  /** The first indexes of the batches under way. */
  get firsts(): number[] {
    return this.sent.map(({ first }) => first);
  }

  async answer(outcome: AppendOutcome): Promise<void> {
    this.sent.shift()?.answer(outcome);
    await this.clock.settle();
  }
}

const COMMITTED: AppendOutcome = { outcome: 'committed', begin: 0, end: 1, stampNs: 1 };
const UNKNOWN: AppendOutcome = { outcome: 'unknown' };
const expected = (n: number): AppendOutcome => ({ outcome: 'expected', n, stampNs: 1 });

test('a window of batches is under way, and the next one follows each acknowledgement', async (t) => {
  const scene = new Scene({ windowBatches: 2 });
  scene.push(0, 10, 20);
  t.deepEqual(scene.firsts, [0, 10]);
  t.false(scene.appender.hasRoom);
  await scene.answer(COMMITTED);
  t.deepEqual(scene.firsts, [10, 20]);
  await scene.answer(COMMITTED);
  await scene.answer(COMMITTED);
  t.deepEqual(scene.acknowledged, [10, 20, 30]);
  t.true(scene.appender.isEmpty);
});

test('after a lost connection everything that is not acknowledged is sent again, once', async (t) => {
  const scene = new Scene();
  scene.push(0, 10, 20);
  await scene.answer(COMMITTED);
  await scene.answer(UNKNOWN);
  t.deepEqual(scene.firsts, [20, 10, 20]);
  await scene.answer(UNKNOWN);
  t.deepEqual(scene.firsts, [10, 20]);
  t.is(scene.sends, 5);
});

test('each batch has one latency: from its first send until any answer says that it is durable', async (t) => {
  const scene = new Scene();
  scene.push(0, 10, 20);
  t.is(scene.appender.underWay, 3);
  await scene.clock.advance(5);
  await scene.answer(COMMITTED);
  await scene.clock.advance(2000);
  // Committed but not answered: the resend learns it.
  await scene.answer(UNKNOWN);
  await scene.answer(UNKNOWN);
  await scene.answer(expected(30));
  t.deepEqual(scene.latencies, [5e6, 2005e6, 2005e6]);
  await scene.answer(COMMITTED);
  t.is(scene.latencies.length, 3, 'an answer to what is acknowledged already has no latency');
  t.is(scene.appender.underWay, 0);
});

test('answers of one attempt make it go back once, however many they are', async (t) => {
  const scene = new Scene();
  scene.push(0, 10, 20, 30);
  for (let answer = 0; answer < 4; answer += 1) await scene.answer(expected(0));
  t.deepEqual(scene.firsts, [0, 10, 20, 30]);
  t.is(scene.sends, 8);
});

test('an index in the middle of a batch cuts it there: only what is missing is sent', async (t) => {
  const scene = new Scene();
  scene.push(0, 10, 20);
  await scene.answer(expected(14));
  t.deepEqual(scene.acknowledged, [14]);
  const again = scene.sent.slice(2).map(({ first, count }) => [first, count]);
  t.deepEqual(again, [
    [14, 6],
    [20, 10],
  ]);
});

test('an index above everything that was sent is an acknowledgement: what was handed over is dropped', async (t) => {
  const scene = new Scene();
  scene.push(0, 10);
  await scene.answer(expected(35));
  t.deepEqual(scene.acknowledged, [35]);
  t.true(scene.appender.isEmpty);
  await scene.answer(expected(35));
  scene.push(20, 30);
  t.deepEqual(
    scene.sent.map(({ first, count }) => [first, count]),
    [[35, 5]],
  );
});

test('an index below what was acknowledged is an acknowledged loss', async (t) => {
  const scene = new Scene({ acknowledged: 20 });
  scene.push(20);
  await scene.answer(expected(19));
  const [error] = scene.ends;
  t.true(error instanceof ViolationError);
  t.like(error, { kind: 'acknowledged-loss', witness: { journal: JOURNAL, index: 19 } });
  scene.push(30);
  t.deepEqual(scene.firsts, []);
});

test('where it sends alone, a journal can have whole batches that it sent, and nothing else', async (t) => {
  const own = [20, 30];
  for (const n of [1, 9, 10, 11, 15, 20, 29, 30, 31, 40, 41, 2 ** 53 - 1]) {
    const scene = new Scene({ windowBatches: 2, acknowledged: 10 });
    scene.appender.sendsAloneFrom(12);
    // The third batch waits for room in the window, and was never sent.
    scene.push(10, 20, 30);
    await scene.answer(UNKNOWN);
    scene.sent.shift();
    await scene.answer(expected(n));
    const [found] = scene.ends;
    if (n < 10) t.is((found as ViolationError).kind, 'acknowledged-loss', `${n}`);
    else if (n <= 12 || own.includes(n)) t.deepEqual(scene.ends, [], `${n}`);
    else {
      t.true(found instanceof ViolationError && found.kind === 'phantom', `${n}: ${String(found)}`);
      t.deepEqual((found as ViolationError).witness, { journal: JOURNAL, index: n - 1 });
    }
  }
});

test('a batch that was sent once is answered with no index behind its first record', async (t) => {
  for (const n of [10, 11, 20, 30]) {
    const scene = new Scene({ acknowledged: 10 });
    scene.appender.sendsAloneFrom(0);
    scene.push(10, 20);
    await scene.answer(expected(n));
    const [found] = scene.ends;
    if (n === 10) t.deepEqual(scene.ends, []);
    else t.true(found instanceof ViolationError && found.kind === 'phantom', `${n}: ${String(found)}`);
  }
});

test("an index behind the appender's own end is that of foreign records: a recorded end says `ended`", async (t) => {
  const scene = new Scene();
  scene.push(0);
  await scene.answer(COMMITTED);
  scene.appender.sendsAloneFrom(10);
  scene.appender.push({ first: 10, count: 1, bytes: endOf(10), isEnd: true });
  await scene.answer(expected(11));
  const [found] = scene.ends;
  t.true(found instanceof ViolationError && found.kind === 'phantom');
  t.deepEqual(scene.acknowledged, [10]);
});

test('a refused batch is tried again after a wait, alone, and the others follow when there is room', async (t) => {
  const scene = new Scene();
  scene.push(0, 10);
  await scene.answer({ outcome: 'refused' });
  await scene.answer(expected(0));
  t.deepEqual(scene.firsts, []);
  await scene.clock.advance(9);
  t.deepEqual(scene.firsts, []);
  await scene.clock.advance(1);
  t.deepEqual(scene.firsts, [0]);
  await scene.answer({ outcome: 'refused' });
  await scene.clock.advance(10);
  t.deepEqual(scene.firsts, [0]);
  await scene.answer(COMMITTED);
  t.deepEqual(scene.firsts, [10]);
});

test('fenced and ended are told once, and nothing is sent any more', async (t) => {
  for (const answer of [
    { outcome: 'fenced', epoch: 9 },
    { outcome: 'ended', n: 11 },
  ] as const) {
    const scene = new Scene();
    scene.push(0, 10);
    await scene.answer(answer);
    await scene.answer(answer);
    scene.push(20);
    t.deepEqual(scene.ends, [answer.outcome]);
    t.deepEqual(scene.firsts, []);
  }
});

test('a batch that arrives damaged is a violation, one that can never succeed an error', async (t) => {
  const damaged = new Scene();
  damaged.push(0);
  await damaged.answer({ outcome: 'corrupt', reason: 'why' });
  t.like(damaged.ends[0], { kind: 'corrupt', witness: { journal: JOURNAL, index: 0 } });
  const rejected = new Scene();
  rejected.push(0);
  await rejected.answer({ outcome: 'rejected', reason: 'why' });
  t.is((rejected.ends[0] as OperatingError).code, 'ERR_APPEND_REJECTED');
});

test('stopped, it sends nothing and takes no answer', async (t) => {
  const scene = new Scene();
  scene.push(0);
  scene.appender.stop();
  await scene.answer(COMMITTED);
  scene.push(10);
  t.deepEqual(scene.acknowledged, []);
  t.deepEqual(scene.firsts, []);
});

/** A journal that accepts correct appends, and a network that loses requests and answers. */
type Fate = 'arrives' | 'request-lost' | 'answer-lost' | 'refused' | 'late';

test('over a network that loses and delays, every record is in the journal once, in order', async (t) => {
  const seed = testSeed(t);
  const fate = fc.constantFrom<Fate>('arrives', 'arrives', 'request-lost', 'answer-lost', 'refused', 'late');
  const property = fc.asyncProperty(
    fc.array(fate, { minLength: 1, maxLength: 60 }),
    fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 15 }),
    async (fates, counts) => {
      const journal: number[] = [];
      const clock = new ManualClock();
      const late: (() => void)[] = [];
      let step = 0;
      const deliver = (bytes: Uint8Array): AppendOutcome => {
        const batch = decodeBatch(bytes, JOURNAL, crc32c);
        if ('fault' in batch) return { outcome: 'corrupt', reason: batch.fault };
        if (batch.firstIndex !== journal.length) return expected(journal.length);
        for (let at = 0; at < batch.count; at += 1) journal.push(batch.firstIndex + at);
        return COMMITTED;
      };
      const append = async (_journal: string, bytes: Uint8Array): Promise<AppendOutcome> => {
        const fateOfThis = fates[step] ?? 'arrives';
        step += 1;
        switch (fateOfThis) {
          case 'request-lost':
            return UNKNOWN;
          case 'answer-lost':
            deliver(bytes);
            return UNKNOWN;
          case 'refused':
            return { outcome: 'refused' };
          case 'late':
            // The bytes of a dead connection arrive after the resend.
            late.push(() => deliver(bytes));
            return UNKNOWN;
          case 'arrives':
            for (const arrive of late.splice(0)) arrive();
            return deliver(bytes);
          default:
            return unreachable(fateOfThis);
        }
      };
      const failures: unknown[] = [];
      const appender = new Appender({
        journals: { append } as unknown as Journals,
        clock,
        journal: JOURNAL,
        producer: PRODUCER,
        acknowledged: 0,
        windowBatches: 3,
        events: {
          onAcknowledged: (through) => {
            if (through > journal.length) failures.push(`acknowledged ${through} of ${journal.length}`);
          },
          onFenced: () => failures.push('fenced'),
          onEnded: () => failures.push('ended'),
          onError: (error) => failures.push(error),
        },
      });
      let total = 0;
      for (const count of counts) {
        appender.push({ first: total, count, bytes: chunks(total, count) });
        total += count;
      }
      await clock.until(() => appender.isEmpty || failures.length > 0);
      if (failures.length > 0) throw new Error(String(failures[0]));
      if (journal.length !== total || journal.some((index, at) => index !== at)) throw new Error(journal.join(' '));
    },
  );
  await fc.assert(property, { seed, numRuns: 200 });
  t.pass();
});
