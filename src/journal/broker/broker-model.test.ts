/**
 * The broker's rules against a model of a few lines. The next index, the end and the epoch alone decide what is
 * accepted, in the order of arrival. A kill loses exactly what is in no durable commit.
 */

import test from 'ava';
import fc from 'fast-check';
import { unreachable } from '../../core/assert.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { decodeBatch, shardProducer } from '../../message/batch.ts';
import { offsetOfKey, numberRange } from '../../store/row.ts';
import { BrokerHarness, OTHER_PRODUCER, PRODUCER, chunks, endOf, sums } from '../testing/broker-harness.ts';
import { testSeed } from '../testing/seed.ts';
import { SUMS_JOURNAL, chunkJournal } from '../journals.ts';

const PRODUCERS = [PRODUCER, OTHER_PRODUCER] as const;
const SHARDS = 2;

type Operation =
  /**
   * Records of a producer. They begin so many indexes above or below its next index: 0 is correct, below 0 is a resend,
   * cut anew.
   */
  | {
      readonly op: 'append';
      readonly journal: number;
      readonly producer: number;
      readonly ahead: number;
      readonly count: number;
    }
  | { readonly op: 'end'; readonly journal: number; readonly producer: number; readonly ahead: number }
  | { readonly op: 'retire' | 'expected'; readonly journal: number; readonly producer: number }
  /** `late`: how many raises ago the epoch was given. */
  | {
      readonly op: 'sums';
      readonly shard: number;
      readonly late: number;
      readonly ahead: number;
      readonly count: number;
    }
  /** `late`: how many raises ago the shard had the epoch that this raise is to replace. */
  | {
      readonly op: 'raise';
      readonly shard: number;
      readonly path: string;
      readonly takeOver: boolean;
      readonly late: number;
    }
  | { readonly op: 'confirm'; readonly shard: number; readonly late: number; readonly path: string }
  | { readonly op: 'expected-sums' | 'report'; readonly shard: number; readonly late: number }
  | { readonly op: 'commit' }
  | { readonly op: 'kill'; readonly fate: 'lost' | 'durable' };

const journal = fc.nat({ max: SHARDS - 1 });
const producer = fc.nat({ max: PRODUCERS.length - 1 });
const ahead = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: -3, max: 3 }) },
);
const late = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -1, max: 2 }) },
);
const count = fc.integer({ min: 1, max: 4 });
const path = fc.constantFrom('/one', '/two');

const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ op: fc.constant('append' as const), journal, producer, ahead, count }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('end' as const), journal, producer, ahead }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('retire' as const), journal, producer }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('expected' as const), journal, producer }) },
  { weight: 8, arbitrary: fc.record({ op: fc.constant('sums' as const), shard: journal, late, ahead, count }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('raise' as const), shard: journal, path, takeOver: fc.boolean(), late }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('confirm' as const), shard: journal, late, path }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom('expected-sums' as const, 'report' as const), shard: journal, late }),
  },
  { weight: 10, arbitrary: fc.constant<Operation>({ op: 'commit' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('kill' as const),
      fate: fc.constantFrom('lost' as const, 'durable' as const),
    }),
  },
);

/** One change, from its acceptance on. */
type Change =
  | {
      readonly change: 'records';
      readonly journal: string;
      readonly producer: string;
      readonly bytes: Buffer | null;
      readonly count: number;
      readonly isEnd: boolean;
    }
  | { readonly change: 'raise'; readonly shard: number }
  | { readonly change: 'confirm'; readonly shard: number; readonly path: string }
  /** Only a commit, without a change. */
  | { readonly change: 'none' };

class Model {
  durable: Change[] = [];
  underWay: Change[] | null = null;
  waiting: Change[] | null = null;

  accept(change: Change): void {
    if (this.underWay === null) this.underWay = [change];
    else this.waiting = [...(this.waiting ?? []), change];
  }

  commit(): void {
    this.durable.push(...(this.underWay ?? []));
    this.underWay = this.waiting;
    this.waiting = null;
  }

  kill(fate: 'lost' | 'durable'): void {
    if (fate === 'durable') this.durable.push(...(this.underWay ?? []));
    this.underWay = null;
    this.waiting = null;
  }

  /** Changes that are accepted and in no durable commit. */
  get pending(): Change[] {
    return [...(this.underWay ?? []), ...(this.waiting ?? [])];
  }

  #all(): Change[] {
    return [...this.durable, ...this.pending];
  }

  producer(name: string, id: string): { next: number; ended: boolean } {
    let next = 0;
    let ended = false;
    for (const change of this.#all()) {
      if (change.change !== 'records' || change.journal !== name || change.producer !== id) continue;
      next += change.count;
      ended ||= change.isEnd;
    }
    return { next, ended };
  }

  shard(shard: number): { epoch: number; confirmed: string | null } {
    let epoch = 0;
    let confirmed: string | null = null;
    for (const change of this.#all()) {
      if (change.change === 'raise' && change.shard === shard) epoch += 1;
      if (change.change === 'confirm' && change.shard === shard) confirmed = change.path;
    }
    return { epoch, confirmed };
  }
}

type Asked = { readonly id: number; readonly kind: 'append' | 'call'; readonly expected: Record<string, unknown> };

/** Runs one operation against both; returns what the broker must answer, if anything. */
function apply(operation: Exclude<Operation, { op: 'commit' | 'kill' }>, model: Model, harness: BrokerHarness): Asked {
  switch (operation.op) {
    case 'append':
    case 'end': {
      const name = chunkJournal(operation.journal);
      const id = PRODUCERS[operation.producer] ?? PRODUCER;
      const { next, ended } = model.producer(name, id);
      const first = Math.max(0, next + operation.ahead);
      const isEnd = operation.op === 'end';
      const records = isEnd ? 1 : operation.count;
      const bytes = isEnd
        ? endOf(first, { producer: id, journal: name })
        : chunks(first, records, { producer: id, journal: name, fill: model.durable.length % 251 });
      const asked = harness.append(name, bytes);
      if (ended) return { id: asked, kind: 'append', expected: { outcome: 'ended', n: next } };
      if (first !== next) return { id: asked, kind: 'append', expected: { outcome: 'expected', n: next } };
      model.accept({ change: 'records', journal: name, producer: id, bytes, count: records, isEnd });
      return { id: asked, kind: 'append', expected: { outcome: 'committed' } };
    }
    case 'retire': {
      const name = chunkJournal(operation.journal);
      const id = PRODUCERS[operation.producer] ?? PRODUCER;
      const asked = harness.call({ op: 'retire', journal: name, producer: id });
      if (model.producer(name, id).ended) model.accept({ change: 'none' });
      else model.accept({ change: 'records', journal: name, producer: id, bytes: null, count: 1, isEnd: true });
      return { id: asked, kind: 'call', expected: { outcome: 'ended' } };
    }
    case 'expected': {
      const name = chunkJournal(operation.journal);
      const id = PRODUCERS[operation.producer] ?? PRODUCER;
      const { next, ended } = model.producer(name, id);
      const expected = ended ? { outcome: 'ended', n: next } : { outcome: 'expected', n: next };
      return { id: harness.call({ op: 'expected', journal: name, producer: id }), kind: 'call', expected };
    }
    case 'sums':
    case 'raise':
    case 'confirm':
    case 'expected-sums':
    case 'report':
      return applyToShard(operation, model, harness);
    default:
      return unreachable(operation);
  }
}

function applyToShard(operation: Extract<Operation, { shard: number }>, model: Model, harness: BrokerHarness): Asked {
  const { shard } = operation;
  const state = model.shard(shard);
  if (operation.op === 'raise') {
    const { takeOver } = operation;
    const from = Math.max(0, state.epoch - operation.late);
    const asked = harness.call({ op: 'raise', shard, path: operation.path, takeOver, from });
    const { confirmed } = state;
    if (!takeOver && confirmed !== null && confirmed !== operation.path)
      return { id: asked, kind: 'call', expected: { outcome: 'replaced', confirmed } };
    if (from !== state.epoch) return { id: asked, kind: 'call', expected: { outcome: 'moved', epoch: state.epoch } };
    model.accept({ change: 'raise', shard });
    return { id: asked, kind: 'call', expected: { outcome: 'raised', epoch: state.epoch + 1, confirmed } };
  }
  const owner = { shard, epoch: Math.max(0, state.epoch - operation.late) };
  const isFenced = owner.epoch !== state.epoch;
  const producerOfShard = shardProducer(shard);
  const { next } = model.producer(SUMS_JOURNAL, producerOfShard);
  switch (operation.op) {
    case 'sums': {
      const first = Math.max(0, next + operation.ahead);
      const bytes = sums(first, operation.count, owner);
      const asked = harness.append(SUMS_JOURNAL, bytes, { owner });
      if (isFenced) return { id: asked, kind: 'append', expected: { outcome: 'fenced' } };
      if (first !== next) return { id: asked, kind: 'append', expected: { outcome: 'expected', n: next } };
      model.accept({
        change: 'records',
        journal: SUMS_JOURNAL,
        producer: producerOfShard,
        bytes,
        count: operation.count,
        isEnd: false,
      });
      return { id: asked, kind: 'append', expected: { outcome: 'committed' } };
    }
    case 'confirm': {
      const asked = harness.call({ op: 'confirm', owner, path: operation.path });
      if (isFenced) return { id: asked, kind: 'call', expected: { outcome: 'fenced' } };
      model.accept({ change: 'confirm', shard, path: operation.path });
      return { id: asked, kind: 'call', expected: { outcome: 'confirmed' } };
    }
    case 'report': {
      const asked = harness.call({ op: 'report', owner, offset: 0 });
      return { id: asked, kind: 'call', expected: { outcome: isFenced ? 'fenced' : 'reported' } };
    }
    case 'expected-sums': {
      const asked = harness.call({ op: 'expected', journal: SUMS_JOURNAL, producer: producerOfShard, owner });
      return { id: asked, kind: 'call', expected: isFenced ? { outcome: 'fenced' } : { outcome: 'expected', n: next } };
    }
    default:
      return unreachable(operation);
  }
}

function answerTo({ id, kind }: Asked, harness: BrokerHarness): Record<string, unknown> | undefined {
  return (kind === 'append' ? harness.outcome(id) : harness.answer(id)) as Record<string, unknown> | undefined;
}

/** Compares the expected fields. */
function mustBe(asked: Asked, harness: BrokerHarness): void {
  const answer = answerTo(asked, harness);
  for (const [field, value] of Object.entries(asked.expected)) {
    if (answer?.[field] !== value) {
      throw new Error(
        `${asked.kind} ${asked.id}: expected ${JSON.stringify(asked.expected)}, got ${JSON.stringify(answer)}`,
      );
    }
  }
}

/** An answer leaves only when everything that had been accepted at the time of the request is durable. */
function mustBeDurable({ expected, accepted }: Asked & { accepted: readonly Change[] }, model: Model): void {
  if (expected['outcome'] === 'reported') return;
  if (!accepted.every((change) => model.durable.includes(change)))
    throw new Error(`${JSON.stringify(expected)} was answered before the commit that makes it true`);
}

/** The records of a journal in the store: each batch, and the indexes of each producer. */
function contentOf(harness: BrokerHarness, number: number, name: string): { bytes: Buffer[]; records: string[] } {
  const bytes: Buffer[] = [];
  const records: string[] = [];
  let end = 0;
  for (const { key, value } of harness.store.range('batches', numberRange(number))) {
    if (offsetOfKey(key) !== end) throw new Error(`a hole at ${end} of ${name}`);
    end += value.length;
    const batch = decodeBatch(value, name, crc32c);
    if ('fault' in batch) throw new Error(batch.fault);
    bytes.push(value);
    for (let at = 0; at < batch.count; at += 1) records.push(`${batch.producer} ${batch.firstIndex + at}`);
  }
  return { bytes, records };
}

function mustHold(model: Model, harness: BrokerHarness): void {
  for (const number of harness.journalNumbers()) {
    const name = number === SHARDS ? SUMS_JOURNAL : chunkJournal(number);
    const { bytes, records } = contentOf(harness, number, name);
    const accepted = model.durable.filter((change) => change.change === 'records' && change.journal === name);
    if (bytes.length !== accepted.length)
      throw new Error(`${name} has ${bytes.length} batches, not ${accepted.length}`);
    for (const [at, change] of accepted.entries()) {
      // The broker makes the end of a retired producer itself.
      if (change.change !== 'records' || change.bytes === null) continue;
      if (bytes[at]?.equals(change.bytes) !== true) throw new Error(`batch ${at} of ${name} is not what was accepted`);
    }
    const seen = new Map<string, number>();
    for (const record of records) {
      const [id = '', index] = record.split(' ');
      if (Number(index) !== (seen.get(id) ?? 0)) throw new Error(`${name} has ${record} after ${seen.get(id)}`);
      seen.set(id, Number(index) + 1);
    }
  }
}

/** Everything that a stream has shown must be in the store: no reader may see what is in no durable commit. */
function mustBeVisible(harness: BrokerHarness, streams: readonly number[]): void {
  for (const [number, stream] of streams.entries()) {
    const name = number === SHARDS ? SUMS_JOURNAL : chunkJournal(number);
    const stored = contentOf(harness, number, name).bytes;
    const delivered = harness.delivered(stream);
    for (const [at, { bytes }] of delivered.entries()) {
      if (stored[at]?.equals(bytes) !== true) throw new Error(`batch ${at} of ${name} was shown and is not durable`);
    }
    if (harness.held.waiting.length === 0 && delivered.length !== stored.length)
      throw new Error(`${name} shows ${delivered.length} of ${stored.length} durable batches`);
  }
}

function openStreams(harness: BrokerHarness): number[] {
  return harness
    .journalNumbers()
    .map((number) => harness.read(number === SHARDS ? SUMS_JOURNAL : chunkJournal(number), 0, { session: 'b' }));
}

async function run(operations: readonly Operation[]): Promise<void> {
  const harness = await BrokerHarness.start();
  const model = new Model();
  let asked: (Asked & { accepted: Change[] })[] = [];
  let streams = openStreams(harness);
  for (const operation of operations) {
    if (operation.op === 'commit') {
      await harness.commit();
      model.commit();
    } else if (operation.op === 'kill') {
      await harness.clock.settle();
      await harness.restart(operation.fate);
      model.kill(operation.fate);
      asked = [];
      streams = openStreams(harness);
    } else {
      asked.push({ ...apply(operation, model, harness), accepted: model.pending });
      await harness.clock.settle();
    }
    if (harness.held.waiting.length > 0 !== (model.underWay !== null))
      throw new Error('a commit is not where it should be');
    mustBeVisible(harness, streams);
    for (const each of asked) {
      if (answerTo(each, harness) === undefined) continue;
      mustBe(each, harness);
      mustBeDurable(each, model);
    }
  }
  while (model.underWay !== null) {
    await harness.commit();
    model.commit();
  }
  // Every request was answered, as the model says.
  for (const each of asked) mustBe(each, harness);
  mustHold(model, harness);
  mustBeVisible(harness, streams);
}

test('the journals hold exactly the accepted records, in order, whatever is resent, raced or killed', async (t) => {
  const seed = testSeed(t);
  await fc.assert(fc.asyncProperty(fc.array(anyOperation, { minLength: 1, maxLength: 60 }), run), {
    seed,
    numRuns: 300,
    endOnFailure: false,
  });
  t.pass();
});
