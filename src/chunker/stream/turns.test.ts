import test from 'ava';
import fc from 'fast-check';
import { ManualClock } from '../../core/testing/manual-clock.ts';
import { type TurnEnd, type TurnState, Turns } from './turns.ts';

/** Turns that end as they are told; `during` runs within the next turn. */
class Bench {
  readonly clock: ManualClock = new ManualClock();
  taken = 0;
  end: TurnEnd = 'blocked';
  during: (turns: Turns) => void = () => {};
  readonly turns: Turns = new Turns({
    clock: this.clock,
    take: () => {
      this.taken += 1;
      const { during } = this;
      this.during = () => {};
      during(this.turns);
      return this.end;
    },
  });
}

test('a turn ends in the state that its end names, and the next one comes by itself where more is due', async (t) => {
  const bench = new Bench();
  const found: TurnState[] = [bench.turns.state];
  for (const end of ['blocked', { waitMs: 5 }, 'more'] as const) {
    bench.end = end;
    bench.turns.now();
    found.push(bench.turns.state);
  }
  t.deepEqual(found, ['idle', 'blocked', 'waiting', 'scheduled']);
  t.is(bench.taken, 3);
  bench.end = 'blocked';
  await bench.clock.advance(100);
  t.is(bench.taken, 4, 'the timer of the turn that waited is cleared');
});

test('a turn that waits comes when its time has come', async (t) => {
  const bench = new Bench();
  bench.end = { waitMs: 5 };
  bench.turns.now();
  bench.end = 'blocked';
  await bench.clock.advance(4);
  t.is(bench.taken, 1);
  await bench.clock.advance(1);
  t.is(bench.taken, 2);
});

test('however often a turn is asked for, one comes', async (t) => {
  const bench = new Bench();
  for (let asked = 0; asked < 3; asked += 1) bench.turns.soon();
  bench.turns.roomMade();
  await bench.clock.advance(1);
  t.is(bench.taken, 1);
});

test('a turn that is asked for within a turn comes after it, whatever the end of that one', async (t) => {
  for (const end of ['blocked', 'more', { waitMs: 50 }] as const) {
    const bench = new Bench();
    bench.end = end;
    bench.during = (turns) => turns.soon();
    bench.turns.now();
    bench.end = 'blocked';
    await bench.clock.advance(1);
    t.is(bench.taken, 2);
  }
});

test('room that was made brings a blocked turn and no other', async (t) => {
  const bench = new Bench();
  bench.turns.roomMade();
  await bench.clock.advance(1);
  t.is(bench.taken, 0);
  bench.end = 'blocked';
  bench.turns.now();
  bench.turns.roomMade();
  await bench.clock.advance(1);
  t.is(bench.taken, 2);
});

test('while the decision to end is not durable no turn comes, and then one comes at once', async (t) => {
  const bench = new Bench();
  bench.end = 'more';
  bench.during = (turns) => turns.decide();
  bench.turns.now();
  t.is(bench.turns.state, 'deciding');
  bench.turns.soon();
  bench.turns.now();
  await bench.clock.advance(10);
  t.is(bench.taken, 1);
  bench.end = 'blocked';
  bench.turns.decided();
  t.is(bench.taken, 2);
});

test('a decision that is durable after the end has begun brings no turn', (t) => {
  const bench = new Bench();
  bench.turns.decide();
  bench.turns.beginEnding();
  bench.turns.decided();
  t.is(bench.turns.state, 'ending');
  t.is(bench.taken, 0);
});

test('from the beginning of the end on no turn comes, and what is over stays over', async (t) => {
  const acts = ['now', 'soon', 'roomMade', 'decide', 'decided', 'beginEnding'] as const;
  const anyEnd = fc.constantFrom<TurnEnd>('more', 'blocked', { waitMs: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...acts), anyEnd)),
      fc.constantFrom('beginEnding', 'close'),
      fc.array(fc.constantFrom(...acts)),
      async (before, last, after) => {
        const bench = new Bench();
        for (const [act, end] of before) {
          bench.end = end;
          bench.turns[act]();
        }
        bench.turns[last]();
        const { taken } = bench;
        for (const act of after) bench.turns[act]();
        await bench.clock.advance(10);
        t.is(bench.taken, taken);
        t.is(bench.turns.state, last === 'close' ? 'over' : 'ending');
        t.is(bench.turns.isOver, last === 'close');
      },
    ),
  );
});
