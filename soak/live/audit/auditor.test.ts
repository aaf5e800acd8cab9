import test, { type ExecutionContext } from 'ava';
import { FakeJournals } from '../../../src/chunker/testing/fake-journals.ts';
import { OperatingError, ViolationError } from '../../../src/core/errors.ts';
import { ManualClock } from '../../../src/core/testing/manual-clock.ts';
import { crc32c } from '../../../src/hash/crc32c.ts';
import {
  type Journals,
  type JournalsInfo,
  type ReadStream,
  type StoredBatch,
  SUMS_JOURNAL,
  chunkJournal,
} from '../../../src/journal/journals.ts';
import { type EnginePromises, PROMISES } from '../../../src/journal/promises.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { encodeBatch } from '../../../src/message/batch.ts';
import { encodeChunk, fileIdOf } from '../../../src/message/chunk.ts';
import { AUDITOR_PIN, Auditor } from './auditor.ts';
import type { Happening } from '../../guarantee/history.ts';

const PRODUCER = 'c0ffee0000000001';
const JOURNAL = chunkJournal(0);
const ROOM = 64 * 1024;
const SUMMER = { process: 'summer-0', folder: '/summer-0', shards: [0] };

/** Journals that also say how far the shard has reported. */
class ListedJournals extends WrappedJournals {
  reported = 0;
  /** From now on every answer is this error. */
  loss: ViolationError | null = null;
  /** Streams deliver so many more batches, and then nothing. */
  deliveries = Number.POSITIVE_INFINITY;
  /** The journal that delivers nothing. */
  stuck = '';
  /** Batches that the sums journal delivers without waiting. */
  ready: StoredBatch[] = [];
  readonly #fakes: FakeJournals;

  constructor(fakes: FakeJournals) {
    super(fakes.connect());
    this.#fakes = fakes;
  }

  override movePin(journal: string, name: string, offset: number): Promise<'moved' | 'missing'> {
    return this.loss === null ? super.movePin(journal, name, offset) : Promise.reject(this.loss);
  }

  override read(journal: string, offset: number, options: Parameters<Journals['read']>[2]): ReadStream {
    const stream = super.read(journal, offset, options);
    return {
      next: () => {
        const ready = journal === SUMS_JOURNAL ? this.ready.shift() : undefined;
        if (ready !== undefined) return Promise.resolve(ready);
        this.deliveries -= 1;
        return this.deliveries < 0 || journal === this.stuck ? new Promise(() => {}) : stream.next();
      },
      close: () => stream.close(),
    };
  }

  override list(): Promise<JournalsInfo> {
    if (this.loss !== null) return Promise.reject(this.loss);
    const names = [JOURNAL, SUMS_JOURNAL];
    const journals = names.map((name) => ({ name, begin: 0, head: this.#fakes.journal(name).head }));
    const shards = [{ shard: 0, epoch: 1, confirmed: SUMMER.folder, pin: this.reported }];
    return Promise.resolve({ partitions: 1, batchBytesMax: ROOM, journals, shards });
  }
}

type Setup = {
  clock: ManualClock;
  fakes: FakeJournals;
  journals: ListedJournals;
  auditor: Auditor;
  /** The history: `chunks 100` for a batch that ends there, `sums 64`, or the name of an event. */
  seen: string[];
  lost: string[];
  violations: ViolationError[];
  /** Appends one chunk and returns where its batch ends. */
  append: (bytes?: number) => number;
  publish: () => void;
  /** What the summer's store holds, by its offset. */
  stored: { offset: number; error?: OperatingError };
};

function setUp(t: ExecutionContext, promises: EnginePromises = PROMISES.embedded): Setup {
  const clock = new ManualClock();
  const fakes = new FakeJournals(1, clock);
  const journals = new ListedJournals(fakes);
  const seen: string[] = [];
  const lost: string[] = [];
  const violations: ViolationError[] = [];
  const stored: Setup['stored'] = { offset: 0 };
  const auditor = new Auditor({
    journals: journals satisfies Journals,
    clock,
    partitions: 1,
    retentionBytes: ROOM,
    promises,
    readCheckpoints: () =>
      stored.error === undefined
        ? Promise.resolve(
            new Map([[0, { offset: stored.offset, nextSum: 0, nextIndexes: {}, openFiles: {}, outbox: [] }]]),
          )
        : Promise.reject(stored.error),
    record: (happening) => seen.push(lineOf(happening)),
    onLost: (reason, cause) => lost.push(`${cause}: ${reason}`),
    onViolation: (error) => violations.push(error),
    onError: (error) => t.fail(String(error)),
  });
  let index = 0;
  const append = (bytes = 50): number => {
    const record = encodeChunk({ fileId: fileIdOf(PRODUCER, 0), sequence: index + 1, data: Buffer.alloc(bytes) });
    const header = { kind: 'chunks', producer: PRODUCER, firstIndex: index, count: 1, epoch: 0 } as const;
    index += 1;
    fakes.append(JOURNAL, encodeBatch(header, record, JOURNAL, crc32c));
    return fakes.journal(JOURNAL).head;
  };
  const publish = (): void =>
    fakes.publish(0, [{ fileId: fileIdOf(PRODUCER, 0), lastSequence: 1, bytes: 0, digest: '0'.repeat(64) }]);
  return { clock, fakes, journals, auditor, seen, lost, violations, append, publish, stored };
}

function lineOf(happening: Happening): string {
  if (happening.event === 'batch') return `${happening.journal === JOURNAL ? 'chunks' : 'sums'} ${happening.end}`;
  if (happening.event === 'checkpoint') return `${happening.moment} at ${happening.offset}`;
  if (happening.event === 'unread') return `unread ${happening.journal} ${happening.from}..${happening.to}`;
  return happening.event;
}

test('journals that are not empty are left alone, and nothing holds them', async (t) => {
  const { auditor, append, fakes } = setUp(t);
  append();
  t.false(await auditor.attach());
  t.is(fakes.journal(JOURNAL).pins.size, 0);
  t.is(fakes.sums.pins.size, 0);
});

test('chunks are read as far as they are reported as folded, sums at once, and its pins follow', async (t) => {
  const { auditor, append, publish, journals, clock, seen, fakes } = setUp(t);
  t.true(await auditor.attach());
  auditor.begin();
  const first = append();
  const second = append();
  publish();
  await clock.advance(1_000);
  const sums = `sums ${fakes.sums.head}`;
  t.deepEqual(seen, [sums]);
  journals.reported = first;
  await clock.advance(1_000);
  t.deepEqual(seen, [sums, `chunks ${first}`]);
  t.is(fakes.journal(JOURNAL).pins.get(AUDITOR_PIN), first);
  t.is(fakes.sums.pins.get(AUDITOR_PIN), fakes.sums.head);
  auditor.holdBack(true);
  journals.reported = second;
  await clock.advance(1_000);
  t.is(seen.length, 2);
  auditor.holdBack(false);
  await clock.advance(1_000);
  t.is(seen.at(-1), `chunks ${second}`);
  auditor.close();
});

test('sums after a restart stand behind what the store said before it, however late its chunks come', async (t) => {
  const { auditor, append, publish, clock, seen, stored, fakes } = setUp(t);
  await auditor.attach();
  auditor.begin();
  stored.offset = append() * 2;
  await auditor.killed(SUMMER);
  publish();
  await clock.advance(1_000);
  t.deepEqual(seen, [`chunks ${stored.offset / 2}`]);
  append();
  await clock.advance(1_000);
  t.deepEqual(seen.slice(1), [`chunks ${stored.offset}`, `restart at ${stored.offset}`, `sums ${fakes.sums.head}`]);
  auditor.close();
});

test('at the end the rest is read, and each head and state is said once', async (t) => {
  const { auditor, append, publish, clock, seen, lost, stored, fakes } = setUp(t);
  await auditor.attach();
  auditor.begin();
  append();
  stored.offset = append();
  publish();
  const ending = auditor.readToEnd([SUMMER]);
  await clock.advance(2_000);
  t.true(await ending);
  const rest = ['head', 'head'];
  t.deepEqual(seen.slice(-3), [`end at ${stored.offset}`, ...rest]);
  t.true(seen.includes(`chunks ${stored.offset}`) && seen.includes(`sums ${fakes.sums.head}`));
  t.deepEqual(lost, []);
  auditor.close();
});

test('where offsets count no bytes it is never behind by so many of them', async (t) => {
  const { auditor, append, journals, clock, lost } = setUp(t, PROMISES.gazette);
  await auditor.attach();
  auditor.begin();
  auditor.holdBack(true);
  journals.reported = append(ROOM);
  await clock.advance(1_000);
  t.deepEqual(lost, []);
  auditor.close();
});

test('it gives up, says what it has not read and leaves its pins when it is behind by half of the room', async (t) => {
  const { auditor, append, journals, clock, seen, lost, fakes } = setUp(t);
  await auditor.attach();
  auditor.begin();
  auditor.holdBack(true);
  const behind = append(ROOM / 4);
  journals.reported = behind;
  await clock.advance(1_000);
  t.deepEqual(lost, []);
  const head = append(ROOM / 2);
  journals.reported = head;
  await clock.advance(1_000);
  t.is(lost.length, 1);
  t.regex(lost[0] ?? '', /^lag: it fell behind/);
  t.deepEqual(seen, [`unread ${JOURNAL} 0..${head}`, `unread ${SUMS_JOURNAL} 0..0`]);
  t.is(fakes.journal(JOURNAL).pins.size, 0);
  t.false(await auditor.readToEnd([SUMMER]));
});

test('to read nothing is not to be slow, from the beginning or from some batch on', async (t) => {
  for (const delivered of [0, 2]) {
    const { auditor, append, journals, clock, lost } = setUp(t);
    journals.deliveries = delivered;
    await auditor.attach();
    auditor.begin();
    journals.reported = append(ROOM / 8);
    await clock.advance(1_000);
    t.deepEqual(lost, []);
    journals.reported = append(ROOM * (3 / 4));
    await clock.advance(1_000);
    t.is(lost.length, 1);
    t.regex(lost[0] ?? '', /^refused: .* of chunks\/part-000 were not read, and nothing of it arrives$/);
  }
});

test('a journal that is slow does not hide one of which nothing arrives', async (t) => {
  const { auditor, append, publish, journals, clock, lost } = setUp(t);
  journals.stuck = SUMS_JOURNAL;
  await auditor.attach();
  auditor.begin();
  auditor.holdBack(true);
  journals.reported = append(ROOM / 4);
  for (let sum = 0; sum < ROOM / 256; sum += 1) publish();
  await clock.advance(1_000);
  t.deepEqual(lost, []);
  journals.reported = append(ROOM / 2);
  await clock.advance(1_000);
  t.is(lost.length, 1);
  t.regex(lost[0] ?? '', /^refused: .* of sums were not read, and nothing of it arrives$/);
});

test('a pin that is gone, a batch trimmed under it and a store that cannot be read are more than lag', async (t) => {
  const cases: readonly (readonly [string, (setup: Setup) => Promise<void> | void])[] = [
    ['its pins have expired', ({ fakes }) => void fakes.journal(JOURNAL).pins.delete(AUDITOR_PIN)],
    [
      'the store of summer-0 cannot be read: flipped',
      ({ auditor, stored }) => {
        stored.error = new OperatingError('ERR_STORE_DAMAGED', 'flipped');
        return auditor.killed(SUMMER);
      },
    ],
  ];
  for (const [reason, happen] of cases) {
    const setup = setUp(t);
    await setup.auditor.attach();
    setup.auditor.begin();
    setup.journals.reported = setup.append();
    await setup.clock.advance(1_000);
    await happen(setup);
    await setup.clock.advance(1_000);
    t.deepEqual(setup.lost, [`refused: ${reason}`]);
    setup.auditor.close();
  }
});

test('journals that have lost what they had said are a violation, told once, and nothing more is read', async (t) => {
  const { auditor, append, journals, clock, seen, lost, violations } = setUp(t);
  await auditor.attach();
  auditor.begin();
  journals.reported = append();
  await clock.advance(1_000);
  const before = seen.length;
  const loss = new ViolationError('acknowledged-loss', 'it is an older copy');
  journals.loss = loss;
  append();
  await clock.advance(1_000);
  t.deepEqual(violations, [loss]);
  t.deepEqual(lost, []);
  t.is(seen.length, before);
  t.false(await auditor.readToEnd([SUMMER]));
  t.deepEqual(violations, [loss]);
});

test('however much there is to read, timers have their turn', async (t) => {
  const { auditor, journals, clock, seen } = setUp(t);
  t.true(await auditor.attach());
  const sums = 500;
  journals.ready = Array.from({ length: sums }, (_, at) => ({
    begin: at,
    end: at + 1,
    stampNs: 0,
    bytes: new Uint8Array(),
  }));
  auditor.begin();
  // Batches that are there are read by promises alone, one after the other: no read waits for an event.
  await new Promise(setImmediate);
  t.true(seen.length < sums, `${seen.length} batches were read before an event was handled`);
  await clock.settle();
  t.is(seen.filter((line) => line.startsWith('sums')).length, sums);
});
