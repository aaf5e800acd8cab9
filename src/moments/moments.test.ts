import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { AppendOutcome, Journals, ReadStream } from '../journal/journals.ts';
import type { Store, Write } from '../store/store.ts';
import { brokerWatch, markChunker, markReady, markSummer } from './marked.ts';
import { MomentPages } from './moment-pages.ts';
import { BUSY_MOMENTS, type BusyMoment, MOMENTS_OF, isMoment, momentsText, momentsToHit } from './moment.ts';
import { MOMENTS_VARIABLE, OwnMoments, openOwnMoments } from './own-moments.ts';
import { AT, COMPONENTS, MAGIC, PAGE_BYTES, READ_BYTES, type SeenMoments, decodePage } from './page-layout.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** A page in this process's own memory, and a reader of it. */
function page(component: (typeof COMPONENTS)[number]): { moments: OwnMoments; seen: () => SeenMoments | null } {
  const counts = new Uint32Array(READ_BYTES / 4);
  const moments = new OwnMoments(component, {
    set: (index, value) => {
      counts[index] = value;
    },
    add: (index) => {
      counts[index] = (counts[index] ?? 0) + 1;
    },
  });
  return { moments, seen: () => decodePage(new Uint8Array(counts.buffer)) };
}

function now({ seen }: { seen: () => SeenMoments | null }): string {
  return momentsText(seen()?.moments ?? []);
}

test('a moment is under way until it has ended as often as it has begun', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...BUSY_MOMENTS), fc.boolean()), { maxLength: 60 }), (steps) => {
      const { moments, seen } = page('summer');
      const depths = new Map<BusyMoment, number>([['starting', 1]]);
      for (const [moment, isBegin] of steps) {
        const depth = depths.get(moment) ?? 0;
        depths.set(moment, Math.max(0, depth + (isBegin ? 1 : -1)));
        if (isBegin) moments.begin(moment);
        else moments.end(moment);
        t.deepEqual(
          seen()?.moments,
          BUSY_MOMENTS.filter((name) => (depths.get(name) ?? 0) > 0),
        );
      }
      t.is(seen()?.pid, process.pid);
    }),
  );
});

test('a page that nobody has written, or whose component is unknown, says nothing', (t) => {
  t.is(decodePage(new Uint8Array(READ_BYTES)), null);
  const { seen } = page('broker');
  t.is(seen()?.component, 'broker');
  const counts = new Uint32Array(READ_BYTES / 4);
  counts[AT.magic] = MAGIC;
  for (const [index, name] of COMPONENTS.entries()) {
    counts[AT.component] = index + 1;
    t.is(decodePage(new Uint8Array(counts.buffer))?.component, name);
  }
  counts[AT.component] = COMPONENTS.length + 1;
  t.is(decodePage(new Uint8Array(counts.buffer)), null);
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A store and journals that settle only when they are told to. */
function handed(): {
  store: Store;
  journals: Journals;
  durable: () => Promise<void>;
  answer: (outcome: AppendOutcome) => Promise<void>;
  arrive: () => Promise<void>;
} {
  const waiting: { commits: (() => void)[]; appends: ((outcome: AppendOutcome) => void)[]; reads: (() => void)[] } = {
    commits: [],
    appends: [],
    reads: [],
  };
  const store = { commit: () => new Promise<void>((resolve) => waiting.commits.push(resolve)) };
  const stream: ReadStream = {
    next: () =>
      new Promise((resolve) =>
        waiting.reads.push(() => resolve({ begin: 0, end: 1, stampNs: 1, bytes: new Uint8Array(1) })),
      ),
    close: () => undefined,
  };
  const journals = {
    append: () => new Promise<AppendOutcome>((resolve) => waiting.appends.push(resolve)),
    read: () => stream,
  };
  return {
    store: store as unknown as Store,
    journals: journals as unknown as Journals,
    durable: () => {
      waiting.commits.shift()?.();
      return turn();
    },
    answer: (outcome) => {
      waiting.appends.shift()?.(outcome);
      return turn();
    },
    arrive: () => {
      waiting.reads.shift()?.();
      return turn();
    },
  };
}

const COMMITTED: AppendOutcome = { outcome: 'committed', begin: 0, end: 1, stampNs: 1 };
const CHECKPOINT: Write = { table: 'checkpoints', key: Buffer.alloc(1), value: Buffer.alloc(1) };
const SUM: Write = { table: 'outbox', key: Buffer.alloc(1), value: Buffer.alloc(1) };
const CLEARED: Write = { table: 'outbox', key: Buffer.alloc(1), value: null };

test('a summer replays, folds, commits and publishes', async (t) => {
  const own = page('summer');
  const outside = handed();
  const { store, journals } = markSummer(outside, own.moments);
  t.is(now(own), 'starting');
  markReady('summer', own.moments);
  t.is(now(own), 'replaying');
  void journals.read('chunks/part-000', 0, { creditBytes: 1 }).next();
  await outside.arrive();
  t.is(now(own), 'replaying + folding');
  void store.commit([CHECKPOINT, SUM]);
  t.is(now(own), 'replaying + in a commit');
  await outside.durable();
  t.is(now(own), 'between a commit and its publication');
  void journals.append('sums', new Uint8Array(1));
  await outside.answer(COMMITTED);
  t.is(now(own), 'idle');
  void store.commit([CHECKPOINT, CLEARED]);
  t.is(now(own), 'in a commit');
  await outside.durable();
  t.is(now(own), 'idle');
});

test('a summer that publishes two transactions is past them when both are acknowledged', async (t) => {
  const own = page('summer');
  const outside = handed();
  const { store, journals } = markSummer(outside, own.moments);
  markReady('summer', own.moments);
  for (let round = 0; round < 2; round += 1) {
    void store.commit([SUM]);
    await outside.durable();
    void journals.append('sums', new Uint8Array(1));
  }
  await outside.answer(COMMITTED);
  t.is(now(own), 'between a commit and its publication');
  await outside.answer(COMMITTED);
  t.is(now(own), 'idle');
});

test('a chunker replays until a batch is new to its journal, and appends while batches are under way', async (t) => {
  const own = page('chunker');
  const outside = handed();
  const { store, journals } = markChunker(outside, own.moments);
  markReady('chunker', own.moments);
  void journals.append('chunks/part-000', new Uint8Array(1));
  void journals.append('chunks/part-001', new Uint8Array(1));
  t.is(now(own), 'replaying + appending');
  await outside.answer({ outcome: 'expected', n: 3, stampNs: 1 });
  t.is(now(own), 'replaying + appending');
  void store.commit([CHECKPOINT]);
  await outside.answer(COMMITTED);
  t.is(now(own), 'in a commit');
  await outside.durable();
  t.is(now(own), 'idle');
});

test('a broker accepts, commits and answers, and accepts again meanwhile', (t) => {
  const own = page('broker');
  const watch = brokerWatch(own.moments);
  markReady('broker', own.moments);
  t.is(now(own), 'idle');
  watch.accepted();
  watch.accepted();
  t.is(now(own), 'appending');
  watch.begins();
  t.is(now(own), 'in a commit');
  watch.accepted();
  t.is(now(own), 'appending + in a commit');
  watch.durable();
  t.is(now(own), 'appending + between a commit and its publication');
  watch.begins();
  t.is(now(own), 'in a commit + between a commit and its publication');
  watch.answered();
  t.is(now(own), 'in a commit');
});

test('a page is read by name over a file without one, and holds what was written last', (t) => {
  const pages = MomentPages.create();
  t.truthy(pages);
  if (pages === null) return;
  t.teardown(() => pages.close());
  const places = ['broker', 'summer-0', 'broker'].map((name) => pages.environmentOf(name)[MOMENTS_VARIABLE]);
  t.is(places[0], places[2]);
  t.is(pages.read('summer-0'), null);
  t.is(pages.read('nobody'), null);
  const told: string[] = [];
  const moments = openOwnMoments('summer', (line) => told.push(line), places[1]);
  t.is(pages.read('summer-0')?.pid, process.pid);
  markReady('summer', moments);
  t.deepEqual(pages.read('summer-0')?.moments, ['replaying']);
  t.is(pages.read('broker'), null);
  openOwnMoments('broker', (line) => told.push(line), places[0])?.begin('in a commit');
  t.like(pages.read('broker'), { component: 'broker', moments: ['starting', 'in a commit'] });
  t.deepEqual(told, []);
});

test('the blocks of a page are there before a process maps it', (t) => {
  const pages = MomentPages.create();
  t.truthy(pages);
  if (pages === null) return;
  t.teardown(() => pages.close());
  for (const name of ['broker', 'summer-0', 'summer-1']) {
    const [path = '', offset = ''] = pages.environmentOf(name)[MOMENTS_VARIABLE]?.split('#') ?? [];
    const { size, blocks } = statSync(path);
    t.is(size, Number(offset) + PAGE_BYTES);
    t.true(blocks * 512 >= size, `${name}: ${blocks} blocks`);
  }
});

/** Asks for four pages, in a process whose files may have two pages at most. */
const CRAMPED = `
const { MomentPages } = await import(process.argv[1]);
const pages = MomentPages.create();
const given = ['a', 'b', 'c', 'd'].map((name) => Object.keys(pages.environmentOf(name)).length);
console.log(given.join(' '), pages.read('d'));`;

test('a process for whose page there is no room gets none', (t) => {
  const node = [process.execPath, '--input-type=module', '-e', CRAMPED, join(import.meta.dirname, 'moment-pages.js')];
  const script = 'trap "" XFSZ; ulimit -f 8; exec "$@"';
  const said = execFileSync('sh', ['-c', script, 'sh', ...node], { encoding: 'utf8' });
  t.regex(said, /^1 (?:0 0|1 0) 0 null$/m);
});

test('a page that cannot be mapped is told of in one line, and is no reason to end', (t) => {
  const told: string[] = [];
  for (const place of ['/nowhere#0', 'no place', '/nowhere#x'])
    t.is(
      openOwnMoments('broker', (line) => told.push(line), place),
      null,
    );
  t.is(told.length, 3);
  for (const line of told) t.regex(line, /^STREAM_SUM_MOMENTS: \S.*/);
  t.is(
    openOwnMoments('broker', (line) => told.push(line), ''),
    null,
  );
  t.is(told.length, 3);
});

test('where no folder takes a file there are no pages', (t) => {
  t.is(MomentPages.create(['/proc/nowhere', '/dev/null']), null);
});

test('each moment of each component is described among the faults, in the same words', (t) => {
  const text = readFileSync(join(ROOT, 'soak', 'FAULTS.md'), 'utf8');
  for (const component of COMPONENTS) {
    for (const [moment, meaning] of Object.entries(MOMENTS_OF[component]))
      t.true(text.includes(`| \`${moment}\` | ${component} | ${meaning} |`), `${moment} of ${component}`);
    for (const moment of momentsToHit(component)) t.true(isMoment(moment));
  }
  t.false(isMoment('random'));
});
