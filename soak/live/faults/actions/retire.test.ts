import test from 'ava';
import { killed, plan, recovered, world } from '../../testing/injector-world.ts';

const RETIRE = plan('retire-chunker', ['chunker-0']);
/** The fake that dies is producer `a`. */
const SUCCESSOR = { name: 'chunker-0', pid: 2, producer: 'b' };

/** What is done when a command has ended comes after its end. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('a retirement is proven by the end of its producer, and over when another producer is ready', async (t) => {
  const { injector, fakes, settled } = world();
  injector.inject(RETIRE, { plannedNs: 0, nowNs: 1 });
  t.deepEqual(fakes.retirements, ['kill']);
  killed(injector, 'chunker-0', { pid: 1, nowNs: 2 });
  t.deepEqual(fakes.retirements, ['kill', 'retire']);
  t.is(injector.openOutcomes()[0]?.provenNs, null, 'nobody has retired it yet');
  fakes.retired('producer a ended in 4 journals');
  await turn();
  t.deepEqual(fakes.retirements, ['kill', 'retire', 'join']);
  injector.step(5);
  t.is(injector.openOutcomes()[0]?.provenNs, 5);
  injector.onReady({ ...SUCCESSOR, producer: 'a', nowNs: 6 });
  t.false(injector.isHealed, 'the same producer is no new one');
  injector.onReady({ ...SUCCESSOR, nowNs: 7 });
  t.true(injector.isHealed);
  t.is(fakes.chunkers[0]?.commands.length, 1, 'the new one is asked for a sum of its own files');
  t.deepEqual(fakes.chunkers[1]?.commands, []);
  injector.onRecovered('chunker-0', recovered(3, 8, 9), 10);
  injector.settle(10);
  const [record] = settled;
  t.like(record, { kind: 'retire-chunker', healedNs: 7, recoveredNs: 9, partitionsHit: 1 });
  t.is(record?.evidence, 'exit signal SIGKILL of pid 1, producer a ended in 4 journals, pid 2 is ready as producer b');
});

test('a chunker whose retirement was not seen was only killed: it returns, and another fault is drawn', async (t) => {
  const { injector, fakes, settled } = world();
  injector.inject(RETIRE, { plannedNs: 0, nowNs: 0 });
  const [victim] = fakes.chunkers;
  if (victim !== undefined) Object.assign(victim, { ready: false, pid: null });
  killed(injector, 'chunker-0', { pid: 1, nowNs: 1 });
  fakes.retired(null);
  await turn();
  t.deepEqual(fakes.retirements, ['kill', 'retire', 'come back']);
  injector.onReady({ ...SUCCESSOR, nowNs: 2 });
  t.is(injector.openOutcomes()[0]?.healedNs, null);
  injector.step(11e9);
  t.is(settled[0]?.evidence, 'not seen to hit');
  t.false(injector.isHealed, 'it is not back');
  if (victim !== undefined) Object.assign(victim, { ready: true, pid: 2 });
  injector.step(12e9);
  t.true(injector.isHealed);
  t.is(injector.takeMissed().length, 1);
});

test('a retirement that is given up after its kill goes on to its end, and one before its kill does not', async (t) => {
  const { injector, fakes } = world();
  injector.inject(RETIRE, { plannedNs: 0, nowNs: 0 });
  killed(injector, 'chunker-0', { pid: 1, nowNs: 1 });
  injector.step(11e9);
  t.false(injector.isHealed, 'the command runs');
  fakes.retired('producer a ended in 4 journals');
  await turn();
  injector.step(12e9);
  t.deepEqual(fakes.retirements, ['kill', 'retire', 'join']);
  t.true(injector.isHealed);
  const other = world();
  other.injector.inject(RETIRE, { plannedNs: 0, nowNs: 0 });
  other.injector.step(11e9);
  t.deepEqual(other.fakes.retirements, ['kill', 'come back']);
});

test('an error of the harness in the middle of a retirement is thrown to whoever looks next', async (t) => {
  for (const given of ['proven', 'given up']) {
    const { injector, fakes } = world();
    injector.inject(RETIRE, { plannedNs: 0, nowNs: 0 });
    fakes.join = () => {
      throw new Error('planted');
    };
    killed(injector, 'chunker-0', { pid: 1, nowNs: 1 });
    if (given === 'given up') injector.step(11e9);
    fakes.retired('producer a ended in 4 journals');
    await turn();
    t.throws(() => injector.step(12e9), { message: 'planted' }, given);
  }
});
