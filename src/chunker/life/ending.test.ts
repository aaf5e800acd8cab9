/** How a life ends: what is said once, what a start after its end does, and what a stop meets on the way. */

import test from 'ava';
import { HeldCommits } from '../../store/testing/memory-store.ts';
import { ChunkerBench } from '../testing/chunker-bench.ts';
import { holds, phaseOf } from '../testing/chunker-claims.ts';

test('a command with a count publishes once, however often it is repeated; another count is other work', async (t) => {
  const bench = new ChunkerBench({ fileCount: 5 });
  bench.start();
  await bench.untilDrained();
  const first = bench.life.producer;
  const sent = bench.sent.length;
  for (let again = 1; again <= 2; again += 1) {
    bench.kill();
    bench.drained = 0;
    bench.start();
    await bench.untilDrained();
    t.is(bench.life.producer, first);
    t.is(bench.sent.length, sent);
    t.is(bench.said, 1 + again);
    t.is(bench.chunker.verifiedTotal, 5);
    t.is(bench.chunker.filesTotal, 5);
    holds(t, bench);
  }
  bench.kill();
  bench.drained = 0;
  bench.start({ fileCount: 6 });
  await bench.untilDrained();
  t.not(bench.life.producer, first);
  t.is(bench.chunker.verifiedTotal, 6);
});

test('what was published until a drain is drained once that was said, and the folder begins a new life', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 200 });
  const drain = async (): Promise<string> => {
    bench.drained = 0;
    bench.wantsDrain = false;
    bench.start();
    await bench.clock.advance(500);
    bench.drain();
    await bench.untilDrained();
    holds(t, bench);
    bench.wantsDrain = false;
    return bench.life.producer;
  };
  const first = await drain();
  bench.kill();
  t.not(await drain(), first);
  t.false(bench.life.resumed);
});

test('a chunker killed before it said `drained` says so at the next start, and publishes nothing', async (t) => {
  for (const fileCount of [null, 30]) {
    const bench = new ChunkerBench({ fileCount, rate: 200 });
    bench.gate = ({ writes }) => {
      const phase = writes.find(({ key }) => key.toString() === 'phase')?.value;
      if (phase == null || !Buffer.from(phase).includes('told')) return undefined;
      bench.gate = () => {};
      bench.kill('lost');
      return new Promise(() => {});
    };
    bench.start();
    await bench.clock.advance(500);
    const { producer } = bench.life;
    bench.drain();
    await bench.clock.until(() => !bench.isRunning);
    t.is(bench.said, 1);
    t.is(bench.drained, 0);
    const sent = bench.sent.length;
    bench.start();
    await bench.untilDrained();
    t.is(bench.said, 2);
    t.is(bench.life.producer, producer);
    t.is(bench.sent.length, sent);
    holds(t, bench);
  }
});

test('who is stopped while it becomes durable that its end was said waits for that', async (t) => {
  const bench = new ChunkerBench({ fileCount: 5 });
  const held = new HeldCommits();
  bench.gate = (commit) =>
    commit.writes.some(({ value }) => value !== null && Buffer.from(value).includes('"told"'))
      ? held.gate(commit)
      : undefined;
  bench.start();
  await bench.clock.until(() => held.waiting.length > 0);
  let isStopped = false;
  const stopping = bench.chunker.stop().then(() => (isStopped = true));
  await bench.clock.settle();
  t.false(isStopped);
  held.open();
  await stopping;
  t.is(bench.drained, 1);
  holds(t, bench);
});

test('who is stopped while its end becomes durable closes nothing under what follows from that', async (t) => {
  const bench = new ChunkerBench({ fileCount: 5 });
  const held = new HeldCommits();
  bench.gate = (commit) =>
    commit.writes.some(
      ({ key, value }) => key.toString() === 'phase' && value !== null && !Buffer.from(value).includes('ending'),
    )
      ? held.gate(commit)
      : undefined;
  bench.start();
  await bench.clock.until(() => held.waiting.length > 0);
  const stopping = bench.chunker.stop().then(() => {
    t.is(held.waiting.length, 0);
  });
  // First the end is durable, and then that it was said.
  for (const phase of ['finished', 'told']) {
    await bench.clock.until(() => held.waiting.length > 0);
    held.releaseOne();
    await bench.clock.settle();
    t.is(phaseOf(bench), phase);
  }
  await stopping;
  holds(t, bench);
});

test('a chunker that is stopped while its end becomes durable waits for the answer, however late', async (t) => {
  const bench = new ChunkerBench({ fileCount: 5 });
  const held = new HeldCommits();
  bench.gate = (commit) =>
    commit.writes.some(
      ({ key, value }) => key.toString() === 'phase' && value !== null && !Buffer.from(value).includes('ending'),
    )
      ? held.gate(commit)
      : undefined;
  bench.start();
  await bench.clock.until(() => held.waiting.length > 0);
  let isStopped = false;
  const stopping = bench.chunker.stop().then(() => {
    isStopped = true;
  });
  bench.journals.answerMs = 5;
  held.releaseOne();
  await bench.clock.until(() => isStopped || held.waiting.length > 0);
  await bench.clock.advance(100);
  // After the stop the caller closes the store.
  t.false(isStopped);
  t.is(bench.said, 1);
  held.releaseOne();
  await bench.clock.until(() => isStopped);
  await stopping;
  t.is(phaseOf(bench), 'told');
  holds(t, bench);
});

test('a life that died between its end and the release only releases its pin at the next start', async (t) => {
  const bench = new ChunkerBench({ fileCount: 5 });
  bench.gate = ({ writes }) => {
    const phase = writes.find(({ key }) => key.toString() === 'phase')?.value;
    if (phase == null || !Buffer.from(phase).includes('finished')) return undefined;
    bench.gate = () => {};
    bench.kill('durable');
    return new Promise(() => {});
  };
  bench.start();
  await bench.clock.until(() => bench.incarnations === 1 && phaseOf(bench) === 'finished');
  const [first = ''] = bench.journals.sums.pins.keys();
  t.not(first, '');
  const sent = bench.sent.length;
  bench.start();
  await bench.untilDrained();
  t.is(bench.life.producer, first);
  t.is(bench.sent.length, sent);
  t.deepEqual(bench.journals.released, [first]);
  t.is(bench.journals.sums.pins.size, 0);
  holds(t, bench);
});

test('a life that had begun to end finishes, whether its end records had arrived or not', async (t) => {
  for (const arrived of ['none', 'some', 'all'] as const) {
    const bench = new ChunkerBench({ fileCount: 8 });
    bench.fate = (_journal, { kind }) => {
      if (kind !== 'end' || bench.incarnations > 1) return null;
      if (arrived === 'all') return 'unanswered';
      return arrived === 'some' && bench.sent.filter((sent) => sent.kind === 'end').length === 1
        ? 'unanswered'
        : 'lost';
    };
    bench.start();
    await bench.clock.until(() => bench.sent.some(({ kind }) => kind === 'end'));
    t.is(phaseOf(bench), 'ending');
    const { producer } = bench.life;
    bench.restart();
    await bench.untilDrained();
    t.true(bench.life.isEnding);
    t.is(bench.life.producer, producer);
    holds(t, bench, arrived);
  }
});

test('a life that had begun to end finishes although what it had read is trimmed and its pin is gone', async (t) => {
  const bench = new ChunkerBench({ fileCount: 8 });
  bench.fate = (_journal, { kind }) => {
    if (kind !== 'end') return null;
    return bench.incarnations === 1 ? 'lost' : { lateMs: 1_000 };
  };
  bench.start();
  await bench.clock.until(() => bench.sent.some(({ kind }) => kind === 'end'));
  bench.kill();
  bench.journals.sums.pins.clear();
  bench.journals.sums.begin = bench.journals.sums.head + 1;
  bench.start();
  await bench.untilDrained();
  t.true(bench.life.isEnding);
});
