import test from 'ava';
import { FakeTarget } from '../../testing/fake-targets.ts';
import { FaultInjector } from '../injector.ts';
import { killed, plan, world } from '../../testing/injector-world.ts';

test('a pause lasts as long as was planned, and is over when its target was seen to run and to speak', (t) => {
  const { injector, targets } = world();
  const summer = targets['summer-0'] ?? t.fail() ?? new FakeTarget('');
  injector.inject(plan('pause-summer', ['summer-0'], 1, 2_000), { plannedNs: 0, nowNs: 1e9 });
  t.is(injector.openOutcomes()[0]?.provenNs, 1e9);
  t.deepEqual(summer.asked, ['pause 62000']);
  // Its earlier words arrive.
  injector.onHeard('summer-0', 1.01e9);
  for (let look = 1; look <= 4; look += 1) injector.look(1e9 + look * 20e6);
  injector.step(2.99e9);
  t.deepEqual(summer.asked, ['pause 62000']);
  injector.step(3e9);
  t.deepEqual(summer.asked, ['pause 62000', 'resume']);
  t.false(injector.isHealed);
  injector.onHeard('summer-0', 3.1e9);
  t.true(injector.isHealed);
  t.like(injector.openOutcomes()[0], {
    provenNs: 1e9,
    healedNs: 3.1e9,
    evidence: 'state T of pid 1, progress of pid 1',
  });
  t.is(targets['chunker-0']?.commands.length, 1);
});

test('a process that stays stopped has not healed, whatever arrives from it', (t) => {
  const { injector, targets } = world();
  const broker = targets['broker'] ?? t.fail() ?? new FakeTarget('');
  broker.resume = () => {};
  injector.inject(plan('pause-broker', ['broker'], 1, 100), { plannedNs: 0, nowNs: 0 });
  for (let look = 1; look <= 6; look += 1) injector.look(look * 20e6);
  t.deepEqual(broker.asked, ['pause 60100']);
  injector.onHeard('broker', 0.3e9);
  injector.step(60e9);
  t.false(injector.isHealed);
  t.deepEqual(injector.unrecovered(), ['the fault 1 (pause-broker) of broker was not seen to heal']);
});

test('a pause that never shows in the state of its process has missed, and is ended', (t) => {
  const { injector, targets, settled } = world();
  const broker = targets['broker'] ?? t.fail() ?? new FakeTarget('');
  broker.pause = () => {};
  injector.inject(plan('pause-broker', ['broker'], 1, 100), { plannedNs: 0, nowNs: 0 });
  injector.step(12e9);
  t.deepEqual(broker.asked, ['resume']);
  t.is(settled[0]?.evidence, 'not seen to hit');
  t.true(injector.isHealed);
});

test('a process that answers while its state says that it is stopped was not stopped', (t) => {
  const { injector, fakes, settled, faults } = world();
  const { broker } = fakes;
  injector.inject(plan('pause-broker', ['broker'], 1, 2_000), { plannedNs: 0, nowNs: 0 });
  // Its earlier words, however many there are.
  for (let word = 1; word < 9; word += 1) injector.onHeard('broker', word);
  for (let look = 1; look <= 4; look += 1) injector.look(look * 20e6);
  t.deepEqual(broker.commands, [{ command: 'progress' }]);
  t.is(faults.tallies.get('pause-broker')?.proven, 1);
  injector.onHeard('broker', 0.1e9);
  t.is(faults.tallies.get('pause-broker')?.proven, 0);
  t.is(settled[0]?.evidence, 'state T of pid 1, broker answered in state T');
  t.deepEqual(broker.asked.slice(-1), ['resume']);
  t.is(injector.takeMissed().length, 1);
});

test('no pause ends before its target was asked and its answer was waited for, however short it is', (t) => {
  const { injector, fakes } = world();
  const { broker } = fakes;
  injector.inject(plan('pause-broker', ['broker'], 1, 1), { plannedNs: 0, nowNs: 0 });
  const asked: number[][] = [];
  for (let look = 1; look <= 4; look += 1) {
    injector.look(look * 20e6);
    // Something else happens, which is not a look.
    injector.step(look * 20e6 + 1);
    asked.push([broker.commands.length, broker.asked.length]);
  }
  t.deepEqual(asked, [
    [0, 1],
    [0, 1],
    [1, 1],
    [1, 2],
  ]);
});

test('a pause that was given up is over when no target is in state T', (t) => {
  const { injector, fakes } = world();
  const { broker } = fakes;
  broker.resume = () => {};
  injector.inject(plan('pause-broker', ['broker'], 1, 2_000), { plannedNs: 0, nowNs: 0 });
  for (let look = 1; look <= 4; look += 1) injector.look(look * 20e6);
  injector.onHeard('broker', 0.1e9);
  t.is(injector.takeMissed().length, 1);
  t.false(injector.isHealed);
  broker.state = 'S';
  injector.look(0.2e9);
  t.true(injector.isHealed);
});

test('all that is stopped is continued when the run ends', (t) => {
  const { injector, fakes } = world();
  const names = fakes.all.map(({ name }) => name);
  injector.inject(plan('pause-everything', names, 1, 60_000), { plannedNs: 0, nowNs: 0 });
  injector.healAll(1);
  for (const { asked } of fakes.all) t.deepEqual(asked, ['pause 120000', 'resume']);
});

test('a rolling restart asks one process after the other, and is proven when each has ended with 0', (t) => {
  const { injector, fakes } = world();
  const { broker, summers } = fakes;
  const [first = broker, second = broker] = summers;
  injector.inject(plan('restart-each', ['summer-0', 'broker', 'summer-1']), { plannedNs: 0, nowNs: 0 });
  const order = [first, broker, second];
  for (const [at, target] of order.entries()) {
    t.deepEqual(
      order.map(({ asked }) => asked.length),
      order.map((_, index) => (index <= at ? 1 : 0)),
    );
    injector.onExit({ name: target.name, pid: 1, code: 0, signal: null, nowNs: 10 + at });
    target.ready = true;
    target.pid = 2;
    injector.onReady({ name: target.name, pid: 2, nowNs: 20 + at });
  }
  t.like(injector.openOutcomes()[0], {
    provenNs: 12,
    healedNs: 22,
    partitionsHit: 4,
    evidence: 'exit 0 of pids 1 1 1 after SIGTERM, ready again as pids 2 2 2',
  });
});

test('a process that is killed while it restarts is no proof of a restart', (t) => {
  const { injector } = world();
  injector.inject(plan('restart-all', ['summer-0']), { plannedNs: 0, nowNs: 0 });
  killed(injector, 'summer-0', { pid: 1, nowNs: 1 });
  t.is(injector.openOutcomes()[0]?.provenNs, null);
});

test('a stopped summer is taken over when it is stopped, and the takeover is over when it exits 12', (t) => {
  const { injector, fakes } = world();
  const [summer = fakes.broker] = fakes.summers;
  injector.inject(plan('takeover-paused', ['summer-0'], 1, 1_000), { plannedNs: 0, nowNs: 0 });
  t.deepEqual(fakes.takeovers, ['take over']);
  t.is(summer.state, 'T');
  injector.onReady({ name: 'summer-0-spare-1', pid: 8, shards: [0, 1], nowNs: 2e9 });
  t.deepEqual(summer.asked.slice(-1), ['resume']);
  t.false(injector.isHealed);
  injector.onExit({ name: 'summer-0', pid: 1, code: 12, signal: null, nowNs: 3e9 });
  t.like(injector.openOutcomes()[0], {
    provenNs: 2e9,
    healedNs: 3e9,
    partitionsHit: 2,
    evidence:
      'summer-0-spare-1, pid 8, is ready with the shards 0 1 of summer-0, which is in state T, ' +
      'exit 12 of summer-0, pid 1',
  });
});

test('a takeover elsewhere is proven by a successor that does not find the folder of the stopped owner', (t) => {
  for (const isElsewhere of [false, true]) {
    const { injector, fakes } = world();
    fakes.isElsewhere = isElsewhere;
    injector.inject(plan('takeover-elsewhere', ['summer-0'], 1, 1_000), { plannedNs: 0, nowNs: 0 });
    injector.onReady({ name: 'summer-0-spare-1', pid: 8, shards: [0, 1], nowNs: 2e9 });
    t.is(injector.openOutcomes()[0]?.provenNs ?? null, isElsewhere ? 2e9 : null);
    if (isElsewhere)
      t.regex(injector.openOutcomes()[0]?.evidence ?? '', /finds an empty folder in the place of that of/);
  }
});

test('a dead summer is taken over when it is dead, then it is started again and exits 12', (t) => {
  const { injector, fakes } = world();
  injector.inject(plan('takeover-dead', ['summer-1'], 1, 0), { plannedNs: 0, nowNs: 0 });
  t.deepEqual(fakes.takeovers, ['kill']);
  killed(injector, 'summer-1', { pid: 1, nowNs: 1 });
  t.deepEqual(fakes.takeovers, ['kill', 'take over']);
  injector.onReady({ name: 'summer-1-spare-1', pid: 8, shards: [2, 3], nowNs: 2 });
  t.deepEqual(fakes.takeovers, ['kill', 'take over', 'return']);
  injector.onExit({ name: 'summer-1', pid: 9, code: 12, signal: null, nowNs: 3 });
  t.true(injector.isHealed);
});

test('an owner that dies after its takeover was given up goes on: nobody has taken its place', (t) => {
  const { injector, fakes } = world();
  const [, summer = fakes.broker] = fakes.summers;
  injector.inject(plan('takeover-dead', ['summer-1']), { plannedNs: 0, nowNs: 0 });
  injector.step(11e9);
  t.deepEqual(fakes.takeovers, ['kill', 'return']);
  t.false(injector.isHealed);
  killed(injector, 'summer-1', { pid: 1, nowNs: 12e9 });
  t.deepEqual(fakes.takeovers, ['kill', 'return', 'return']);
  summer.pid = 2;
  injector.step(12e9);
  t.true(injector.isHealed);
});

test('a paused owner whose takeover was given up before it was stopped is over when it runs', (t) => {
  const { injector, fakes } = world();
  const [summer = fakes.broker] = fakes.summers;
  summer.pause = () => {};
  injector.inject(plan('takeover-paused', ['summer-0'], 1, 1_000), { plannedNs: 0, nowNs: 0 });
  injector.step(12e9);
  t.deepEqual([fakes.takeovers, summer.asked], [[], ['resume']]);
  t.true(injector.isHealed);
});

test('a takeover from a running summer is over when both were seen: a successor with the shards, and exit 12', (t) => {
  const { injector, fakes } = world();
  injector.inject(plan('takeover-running', ['summer-1']), { plannedNs: 0, nowNs: 0 });
  t.deepEqual(fakes.takeovers, ['take over']);
  injector.onExit({ name: 'summer-1', pid: 1, code: 12, signal: null, nowNs: 2 });
  t.false(injector.isHealed);
  injector.onReady({ name: 'summer-1-spare-1', pid: 8, shards: [2, 3], nowNs: 5 });
  t.like(injector.openOutcomes()[0], { provenNs: 5, healedNs: 5 });
});

test('a successor that is ready without all of the shards is no proof of a takeover', (t) => {
  const { injector } = world();
  injector.inject(plan('takeover-running', ['summer-1']), { plannedNs: 0, nowNs: 0 });
  for (const shards of [[], [2], [0, 1, 3]]) {
    injector.onReady({ name: 'summer-1-spare-1', pid: 8, shards, nowNs: 5 });
    t.is(injector.openOutcomes()[0]?.provenNs, null);
  }
  injector.onReady({ name: 'summer-1-spare-1', pid: 8, shards: [3, 2], nowNs: 6 });
  t.is(injector.openOutcomes()[0]?.provenNs, 6);
});

test('what lasts and is not seen to hit is ended before it can make anybody late', (t) => {
  const { fakes, settled } = world();
  const injector = new FaultInjector({
    targets: fakes,
    record: () => {},
    onSettled: (record) => settled.push(record),
    lastsMsMax: 500,
  });
  const { broker } = fakes;
  broker.pause = () => {};
  injector.inject(plan('pause-broker', ['broker'], 1, 400), { plannedNs: 0, nowNs: 0 });
  injector.step(0.5e9);
  t.deepEqual(settled, []);
  injector.step(0.51e9);
  t.is(settled.length, 1);
  t.deepEqual(broker.asked, ['resume']);
});
