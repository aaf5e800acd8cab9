import test from 'ava';
import fc from 'fast-check';
import { FakeTarget } from '../testing/fake-targets.ts';
import { killed, plan, recovered, restart, world } from '../testing/injector-world.ts';

test('a fault goes from its injection over proof and healing to the recovery of every partition that it hit', (t) => {
  const { injector, targets, settled, happenings, faults } = world();
  injector.inject(plan('kill-all-summers', ['summer-0', 'summer-1']), { plannedNs: 90, nowNs: 100 });
  killed(injector, 'summer-0', { pid: 1, nowNs: 110 });
  t.is(injector.openOutcomes()[0]?.provenNs, null);
  killed(injector, 'summer-1', { pid: 1, nowNs: 111 });
  injector.onReady({ name: 'summer-1', pid: 2, nowNs: 120 });
  t.is(injector.openOutcomes()[0]?.healedNs, null);
  t.deepEqual(targets['chunker-1']?.commands, []);
  injector.onReady({ name: 'summer-0', pid: 3, nowNs: 130 });
  t.deepEqual(targets['chunker-1']?.commands, [{ command: 'watch', fault: 1, sinceNs: 100, partitions: [0, 1, 2, 3] }]);
  for (const partition of [0, 1, 2]) injector.onRecovered('chunker-0', recovered(partition, 101, 150 + partition), 160);
  t.false(injector.isRecovered());
  t.deepEqual(injector.unrecovered(), [
    'the fault 1 (kill-all-summers): no sum of partition 3 that was intended after it was verified',
  ]);
  injector.settle(5e9);
  t.deepEqual(settled, []);
  injector.onRecovered('chunker-1', recovered(3, 102, 190), 191);
  injector.onRecovered('chunker-1', recovered(0, 102, 140), 192);
  t.true(injector.isRecovered());
  injector.settle(0.9e9);
  t.deepEqual(settled, []);
  injector.settle(1.1e9);
  t.deepEqual(settled, [
    {
      id: 1,
      kind: 'kill-all-summers',
      target: 'summer-0 summer-1',
      plannedNs: 90,
      injectedNs: 100,
      provenNs: 111,
      healedNs: 130,
      recoveredNs: 190,
      firstRecoveredNs: 140,
      partitionsHit: 4,
      partitionsRecovered: 4,
      evidence: 'exit signal SIGKILL of pids 1 1, ready again as pids 3 2',
      atMs: 0,
      lengthMs: 0,
      insteadOf: null,
      link: null,
      partitions: [0, 1, 2, 3],
      gapNsMax: null,
      moment: null,
      aim: null,
      joins: null,
      overlaps: [],
      overtakenBy: null,
    },
  ]);
  t.like(happenings.at(-1), { event: 'fault-recovered', id: 1, recoveredNs: 190 });
  t.deepEqual(faults.tallies.get('kill-all-summers'), { injected: 1, proven: 1, recovered: 1 });
});

test('a fault of the broker hits every partition', (t) => {
  const { injector, targets } = world();
  injector.inject(plan('kill-broker', ['broker']), { plannedNs: 0, nowNs: 0 });
  restart(injector, targets['broker'], 1);
  for (const partition of [0, 1, 3]) injector.onRecovered('chunker-0', recovered(partition, 1, 3), 3);
  t.false(injector.isRecovered());
  injector.onRecovered('chunker-0', recovered(2, 1, 3), 3);
  t.true(injector.isRecovered());
});

test('a sum verified before the healing shows no recovery, nor does one intended before the fault', (t) => {
  const { injector } = world();
  injector.inject(plan('kill-summer', ['summer-0']), { plannedNs: 0, nowNs: 100 });
  killed(injector, 'summer-0', { pid: 1, nowNs: 110 });
  for (const partition of [0, 1]) injector.onRecovered('chunker-0', recovered(partition, 101, 120), 120);
  injector.onReady({ name: 'summer-0', pid: 2, nowNs: 200 });
  for (const partition of [0, 1]) injector.onRecovered('chunker-0', recovered(partition, 101, 199), 201);
  for (const partition of [0, 1]) injector.onRecovered('chunker-1', recovered(partition, 99, 210), 211);
  injector.onRecovered('chunker-1', recovered(3, 101, 210), 211);
  t.is(injector.openOutcomes()[0]?.partitionsRecovered, 0);
  for (const partition of [0, 1]) injector.onRecovered('chunker-0', recovered(partition, 101, 200), 201);
  t.is(injector.openOutcomes()[0]?.recoveredNs, 200);
});

test('a killed chunker is asked itself, once it is ready again, and one sum of its own is enough', (t) => {
  const { injector, targets, settled } = world();
  injector.inject(plan('kill-chunker', ['chunker-1']), { plannedNs: 0, nowNs: 5 });
  restart(injector, targets['chunker-1'], 6);
  t.deepEqual(targets['chunker-0']?.commands, []);
  t.deepEqual(targets['chunker-1']?.commands, [{ command: 'watch', fault: 1, sinceNs: 5, partitions: null }]);
  injector.onRecovered('chunker-0', recovered(0, 6, 8), 8);
  t.false(injector.isRecovered());
  injector.onRecovered('chunker-1', recovered(2, 6, 8), 8);
  injector.settle(9);
  t.like(settled[0], { recoveredNs: 8, firstRecoveredNs: 8, partitionsHit: 1, partitionsRecovered: 1 });
});

test('a chunker that restarts is asked again about the faults that have not recovered', (t) => {
  const { injector, targets } = world();
  injector.inject(plan('kill-summer', ['summer-0']), { plannedNs: 0, nowNs: 5 });
  injector.onReady({ name: 'chunker-0', pid: 9, nowNs: 6 });
  t.is(targets['chunker-0']?.commands.length, 0);
  restart(injector, targets['summer-0'], 7);
  t.is(targets['chunker-0']?.commands.length, 1);
  injector.onReady({ name: 'chunker-0', pid: 10, nowNs: 9 });
  t.is(targets['chunker-0']?.commands.length, 2);
  for (const partition of [0, 1]) injector.onRecovered('chunker-0', recovered(partition, 6, 10), 10);
  injector.onReady({ name: 'chunker-0', pid: 11, nowNs: 11 });
  t.is(targets['chunker-0']?.commands.length, 2);
});

test('the exit of another life of the target is no proof', (t) => {
  const { injector } = world();
  injector.inject(plan('kill-broker', ['broker']), { plannedNs: 0, nowNs: 100 });
  killed(injector, 'broker', { pid: 77, nowNs: 101 });
  t.is(injector.openOutcomes()[0]?.provenNs, null);
});

test('an exit that is told twice proves one fault', (t) => {
  const { injector, targets, faults } = world();
  injector.inject(plan('kill-summer', ['summer-0'], 1), { plannedNs: 0, nowNs: 5 });
  restart(injector, targets['summer-0'], 6);
  injector.inject(plan('kill-summer', ['summer-0'], 2), { plannedNs: 0, nowNs: 9 });
  killed(injector, 'summer-0', { pid: 1, nowNs: 10 });
  t.deepEqual(faults.tallies.get('kill-summer'), { injected: 2, proven: 1, recovered: 0 });
  t.is(injector.gapNsMin, 4);
});

test('a fault that has not healed lets no other begin', (t) => {
  const { injector, targets } = world();
  const { 'summer-0': summer } = targets;
  if (summer === undefined) throw new Error('there is a summer');
  injector.inject(plan('kill-summer', ['summer-0']), { plannedNs: 0, nowNs: 5 });
  // Nobody has seen its exit: to the fleet it is still ready.
  summer.ready = true;
  t.false(injector.canInject(plan('kill-summer', ['summer-0'], 2)));
  t.false(injector.canInject(plan('kill-all-summers', ['summer-0', 'summer-1'], 2)));
  t.false(injector.canInject(plan('kill-summer', ['summer-1'], 2)));
  t.throws(() => injector.inject(plan('kill-summer', ['summer-0'], 2), { plannedNs: 0, nowNs: 6 }));
  restart(injector, summer, 7);
  t.true(injector.canInject(plan('kill-summer', ['summer-0'], 2)));
});

test('where it is asked for, a fault waits until the one before has recovered', (t) => {
  const { injector, targets } = world({ waitsForRecovery: true });
  const second = plan('kill-summer', ['summer-1'], 2);
  injector.inject(plan('kill-summer', ['summer-0'], 1), { plannedNs: 0, nowNs: 100 });
  restart(injector, targets['summer-0'], 110);
  t.true(injector.isHealed);
  t.false(injector.canInject(second));
  injector.onRecovered('chunker-0', recovered(0, 150, 160), 160);
  t.false(injector.canInject(second));
  injector.onRecovered('chunker-0', recovered(1, 150, 160), 160);
  t.true(injector.canInject(second));
});

test('a fault whose recovery the next one hit is named as overtaken, and has no figure of its kind', (t) => {
  const { injector, targets, settled } = world();
  const { 'summer-0': summer } = targets;
  const recover = (fault: number, atNs: number): void => {
    for (const partition of [0, 1])
      injector.onRecovered('chunker-0', { ...recovered(partition, 150, atNs), fault }, atNs);
  };
  injector.inject(plan('kill-summer', ['summer-0'], 1), { plannedNs: 0, nowNs: 100 });
  restart(injector, summer, 110);
  injector.inject(plan('kill-summer', ['summer-0'], 2), { plannedNs: 0, nowNs: 120 });
  restart(injector, summer, 130);
  recover(1, 160);
  recover(2, 160);
  // The answers of both come before the third one, whose injection is later than their recoveries.
  injector.inject(plan('kill-summer', ['summer-0'], 3), { plannedNs: 0, nowNs: 170 });
  injector.settle(2e9, true);
  t.deepEqual(
    settled.map(({ id, recoveredNs, overtakenBy }) => ({ id, recoveredNs, overtakenBy })),
    [
      { id: 1, recoveredNs: 160, overtakenBy: 2 },
      { id: 2, recoveredNs: 160, overtakenBy: null },
      { id: 3, recoveredNs: null, overtakenBy: null },
    ],
  );
  t.is(injector.recovery.get('kill-summer')?.count, 1);
});

test('what has not recovered at the end is written down as such', (t) => {
  const { injector, settled, faults } = world();
  injector.inject(plan('kill-broker', ['broker']), { plannedNs: 0, nowNs: 100 });
  t.false(injector.isRecovered());
  injector.settle(200, true);
  t.is(settled[0]?.recoveredNs, null);
  t.is(settled[0]?.evidence, 'not seen to hit');
  t.deepEqual(faults.tallies.get('kill-broker'), { injected: 1, proven: 0, recovered: 0 });
});

test('a target that is not ready is not hit, nor any while too many faults are open', (t) => {
  const { injector, targets } = world();
  const { broker = new FakeTarget('') } = targets;
  broker.ready = false;
  t.false(injector.canInject(plan('kill-broker', ['broker'])));
  broker.ready = true;
  for (let id = 1; injector.canInject(plan('kill-broker', ['broker'], id)); id += 1) {
    injector.inject(plan('kill-broker', ['broker'], id), { plannedNs: 0, nowNs: 0 });
    restart(injector, broker, id);
  }
  t.is(injector.openOutcomes().length, 64);
});

test('a fault that was never seen to hit is given up, and drawn again in its place', (t) => {
  const { injector, targets, settled, faults } = world();
  const summer = targets['summer-0'] ?? t.fail() ?? new FakeTarget('');
  const missing = plan('kill-summer', ['summer-0']);
  injector.inject(missing, { plannedNs: 0, nowNs: 0 });
  summer.ready = true;
  injector.step(9e9);
  t.deepEqual(injector.takeMissed(), []);
  for (let redraw = 1; redraw <= 2; redraw += 1) {
    injector.step(redraw * 11e9);
    const [again, ...others] = injector.takeMissed();
    t.deepEqual([again, others], [{ ...missing, id: redraw, insteadOf: 1 }, []]);
    if (again === undefined) throw new Error('it is drawn again');
    t.true(injector.canInject(again));
    injector.inject({ ...again, id: redraw + 1 }, { plannedNs: 0, nowNs: redraw * 11e9 });
    summer.ready = true;
  }
  t.deepEqual(faults.tallies.get('kill-summer'), { injected: 1, proven: 0, recovered: 0 });
  restart(injector, summer, 23e9);
  t.deepEqual(faults.tallies.get('kill-summer'), { injected: 1, proven: 1, recovered: 0 });
  t.deepEqual(
    settled.map(({ id, insteadOf, provenNs }) => [id, insteadOf, provenNs]),
    [
      [1, null, null],
      [2, 1, null],
    ],
  );
});

test('a fault that has missed three times is not drawn again', (t) => {
  const { injector, fakes } = world();
  for (const id of [1, 2, 3]) {
    const of = id === 1 ? {} : { insteadOf: 1 };
    injector.inject({ ...plan('kill-broker', ['broker'], id), ...of }, { plannedNs: 0, nowNs: id * 20e9 });
    fakes.broker.ready = true;
    injector.step(id * 20e9 + 11e9);
    t.is(injector.takeMissed().length, id < 3 ? 1 : 0);
  }
});

test('a fault that was given up lets no other begin, and is not recovered, until nothing of it is left', (t) => {
  const { injector, targets, faults } = world();
  const summer = targets['summer-0'] ?? t.fail() ?? new FakeTarget('');
  injector.inject(plan('takeover-running', ['summer-0']), { plannedNs: 0, nowNs: 0 });
  injector.step(11e9);
  const [again] = injector.takeMissed();
  if (again === undefined) throw new Error('it is drawn again');
  // Its spare is slow, but will take the shards over: nobody else may begin to.
  const left = ['the fault 1 (takeover-running) of summer-0 was not seen to heal'];
  const isLeft = (): void => {
    t.false(injector.canInject({ ...again, id: 2 }));
    t.false(injector.canInject(plan('kill-broker', ['broker'], 2)));
    t.deepEqual(injector.unhealed, left);
    t.deepEqual(injector.unrecovered(), left);
    t.false(injector.isRecovered());
  };
  isLeft();
  injector.onReady({ name: 'summer-0-spare-1', pid: 8, shards: [0, 1], nowNs: 12e9 });
  injector.step(12e9);
  isLeft();
  injector.onExit({ name: 'summer-0', pid: 1, code: 12, signal: null, nowNs: 13e9 });
  summer.pid = null;
  injector.step(13e9);
  t.true(injector.isHealed);
  t.true(injector.isRecovered());
  t.deepEqual(injector.unrecovered(), []);
  t.true(injector.canInject({ ...again, id: 2 }));
  t.is(faults.tallies.get('takeover-running')?.proven, 0);
});

test('random exits and answers: no exit proves two faults, and no fault recovers before it has healed', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3), fc.nat(4), fc.nat(3)), { maxLength: 120 }),
      (steps: [number, number, number][]) => {
        const { injector, targets, settled, faults } = world();
        const names = Object.keys(targets);
        const exits = new Set<string>();
        let nowNs = 1;
        let id = 0;
        for (const [what, which, partition] of steps) {
          nowNs += 1;
          const target = targets[names[which] ?? ''] ?? new FakeTarget('');
          const kind = which === 0 ? 'kill-broker' : which < 3 ? 'kill-summer' : 'kill-chunker';
          if (what === 0 && injector.canInject(plan(kind, [target.name], id + 1))) {
            id += 1;
            injector.inject(plan(kind, [target.name], id), { plannedNs: nowNs, nowNs });
            // The fleet has not seen the exit.
            target.ready = partition > 0;
          } else if (what === 1) {
            exits.add(`${target.name} ${target.pid}`);
            restart(injector, target, nowNs);
          } else if (what === 2) {
            for (const open of injector.openOutcomes())
              injector.onRecovered(`chunker-${which % 2}`, recovered(partition, nowNs - 1, nowNs, open.id), nowNs);
          } else injector.settle(nowNs + which * 1e9);
        }
        injector.settle(nowNs, true);
        const proven = [...faults.tallies.values()].reduce((total, tally) => total + tally.proven, 0);
        t.true(proven <= exits.size);
        for (const { healedNs, recoveredNs, firstRecoveredNs } of settled) {
          if (recoveredNs === null) continue;
          t.true(healedNs !== null && firstRecoveredNs !== null);
          t.true((healedNs ?? 0) <= (firstRecoveredNs ?? 0) && (firstRecoveredNs ?? 0) <= recoveredNs);
        }
      },
    ),
    { numRuns: 300 },
  );
});
