import test from 'ava';
import { ManualClock } from '../../src/core/testing/manual-clock.ts';
import { untilDrained } from './drain.ts';

/** Runs a drain. `progress` says how far it is after so many milliseconds, and `endsMs` when it is over. */
async function drained(of: {
  progress: (elapsedMs: number) => number;
  endsMs?: number;
  abortsMs?: number;
}): Promise<{ why: string | null; elapsedMs: number }> {
  const clock = new ManualClock();
  const startNs = clock.nowNs();
  const elapsedMs = (): number => (clock.nowNs() - startNs) / 1e6;
  const halt = new AbortController();
  const results: { why: string | null; elapsedMs: number }[] = [];
  void untilDrained({
    isOver: () => elapsedMs() >= (of.endsMs ?? Number.POSITIVE_INFINITY),
    progress: () => of.progress(elapsedMs()),
    clock,
    stallMs: 1_000,
    drainMsMax: 10_000,
    signal: halt.signal,
  }).then((why) => {
    results.push({ why, elapsedMs: elapsedMs() });
  });
  for (let step = 0; results.length === 0 && step < 2_000; step += 1) {
    if (elapsedMs() >= (of.abortsMs ?? Number.POSITIVE_INFINITY)) halt.abort();
    await clock.advance(20);
  }
  const [result] = results;
  if (result === undefined) throw new Error('the wait has no end');
  return result;
}

test('a drain that ends is waited for, however slowly it moves', async (t) => {
  const { why } = await drained({ progress: (ms) => Math.floor(ms / 900), endsMs: 8_000 });
  t.is(why, null);
});

test('a drain in which nothing moves is given up, long before its bound', async (t) => {
  const { why, elapsedMs } = await drained({ progress: (ms) => Math.min(3, Math.floor(ms / 500)) });
  t.is(why, 'nothing moved for 1 s');
  t.true(elapsedMs < 4_000);
});

test('a drain that moves for ever is given up at its bound', async (t) => {
  const { why, elapsedMs } = await drained({ progress: (ms) => ms });
  t.is(why, 'it was given up after 10 s');
  t.true(elapsedMs >= 10_000 && elapsedMs < 11_000);
});

test('who ends the run ends the wait', async (t) => {
  const { why, elapsedMs } = await drained({ progress: (ms) => ms, abortsMs: 2_000 });
  t.is(why, null);
  t.true(elapsedMs < 3_000);
});
