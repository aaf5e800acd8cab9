import test from 'ava';
import { ManualClock } from '../../src/core/testing/manual-clock.ts';
import { type OwnDelay, OwnDelays } from './own-delays.ts';

function begin(): { clock: ManualClock; found: OwnDelay[]; delays: OwnDelays; spend: (ns: number) => void } {
  const clock = new ManualClock();
  const found: OwnDelay[] = [];
  let cpuNs = 0;
  const delays = new OwnDelays({ clock, onDelay: (delay) => found.push(delay), cpuNs: () => cpuNs });
  delays.start();
  return { clock, found, delays, spend: (ns) => void (cpuNs += ns) };
}

test('a process that runs when it is due is never late', async (t) => {
  const { clock, found } = begin();
  await clock.advance(10_000);
  t.deepEqual(found, []);
});

test('a stop is found, from when the process was due until it ran, with the processor time that it used', async (t) => {
  const { clock, found, spend } = begin();
  await clock.advance(1_000);
  const stoppedNs = clock.nowNs();
  spend(30e6);
  clock.jump(700);
  await clock.advance(1_000);
  t.is(found.length, 1);
  const [delay] = found;
  t.is(delay?.fromNs, stoppedNs + 50e6);
  t.is(delay?.cpuNs, 30e6);
});

test('a short delay says nothing, and nothing is looked at once it is closed', async (t) => {
  const { clock, found, delays } = begin();
  clock.jump(240);
  await clock.advance(100);
  t.deepEqual(found, []);
  delays.close();
  t.is(clock.timers, 0);
});
