import test from 'ava';
import fc from 'fast-check';
import type { ComponentCommand } from '../../../src/component/protocol.ts';
import { FaultInjector, type FaultRecord, type FaultTarget } from './injector.ts';
import type { PlannedFault } from './schedule.ts';
import type { FaultKind } from '../../guarantee/fault-kinds.ts';

class Target implements FaultTarget {
  readonly name: string;
  readonly partitions: readonly number[];
  pid: number | null = 1;
  ready = true;
  readonly commands: ComponentCommand[] = [];

  constructor(name: string, partitions: readonly number[] = []) {
    this.name = name;
    this.partitions = partitions;
  }
  kill(): void {
    this.ready = false;
  }
  send(command: ComponentCommand): void {
    this.commands.push(command);
  }
}

function world(): { injector: FaultInjector; targets: Record<string, Target>; settled: FaultRecord[] } {
  const targets: Record<string, Target> = {
    broker: new Target('broker'),
    'summer-0': new Target('summer-0', [0, 1]),
    'summer-1': new Target('summer-1', [2, 3]),
    'chunker-0': new Target('chunker-0'),
    'chunker-1': new Target('chunker-1'),
  };
  const settled: FaultRecord[] = [];
  const named = (name: string): Target => targets[name] ?? new Target(name);
  const injector = new FaultInjector({
    targets: { named, chunkers: [named('chunker-0'), named('chunker-1')], partitions: 4 },
    onSettled: (record) => settled.push(record),
  });
  return { injector, targets, settled };
}

function plan(kind: FaultKind, targets: readonly string[], id = 1): PlannedFault {
  return { id, kind, targets, atMs: 0 };
}

const recovered = (partition: number, intendedNs: number, verifiedNs: number, fault = 1) =>
  ({ event: 'recovered', fault, partition, intendedNs, verifiedNs }) as const;

/** The target has ended, and is ready again under the next pid. */
function restart(injector: FaultInjector, target: Target | undefined, nowNs: number): void {
  if (target === undefined) throw new Error('the target is known');
  const { name, pid } = target;
  injector.onKilled(name, { pid: pid ?? 0, nowNs });
  target.pid = (pid ?? 0) + 1;
  target.ready = true;
  injector.onReady(name, { pid: target.pid, nowNs: nowNs + 1 });
}

test('a fault goes from its injection over proof and healing to the recovery of every partition that it hit', (t) => {
  const { injector, targets, settled } = world();
  injector.inject(plan('kill-all-summers', ['summer-0', 'summer-1']), { plannedNs: 90, nowNs: 100 });
  injector.onKilled('summer-0', { pid: 1, nowNs: 110 });
  t.is(injector.openRecords()[0]?.provenNs, null);
  injector.onKilled('summer-1', { pid: 1, nowNs: 111 });
  injector.onReady('summer-1', { pid: 2, nowNs: 120 });
  t.is(injector.openRecords()[0]?.healedNs, null);
  t.deepEqual(targets['chunker-1']?.commands, []);
  injector.onReady('summer-0', { pid: 3, nowNs: 130 });
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
    },
  ]);
  t.deepEqual(injector.tallies.get('kill-all-summers'), { injected: 1, proven: 1, recovered: 1 });
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

test('a sum that was verified before the fault had healed shows no recovery, nor one that was intended before it', (t) => {
  const { injector } = world();
  injector.inject(plan('kill-summer', ['summer-0']), { plannedNs: 0, nowNs: 100 });
  injector.onKilled('summer-0', { pid: 1, nowNs: 110 });
  for (const partition of [0, 1]) injector.onRecovered('chunker-0', recovered(partition, 101, 120), 120);
  injector.onReady('summer-0', { pid: 2, nowNs: 200 });
  for (const partition of [0, 1]) injector.onRecovered('chunker-0', recovered(partition, 101, 199), 201);
  for (const partition of [0, 1]) injector.onRecovered('chunker-1', recovered(partition, 99, 210), 211);
  injector.onRecovered('chunker-1', recovered(3, 101, 210), 211);
  t.is(injector.openRecords()[0]?.partitionsRecovered, 0);
  for (const partition of [0, 1]) injector.onRecovered('chunker-0', recovered(partition, 101, 200), 201);
  t.is(injector.openRecords()[0]?.recoveredNs, 200);
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
  injector.onReady('chunker-0', { pid: 9, nowNs: 6 });
  t.is(targets['chunker-0']?.commands.length, 0);
  restart(injector, targets['summer-0'], 7);
  t.is(targets['chunker-0']?.commands.length, 1);
  injector.onReady('chunker-0', { pid: 10, nowNs: 9 });
  t.is(targets['chunker-0']?.commands.length, 2);
  for (const partition of [0, 1]) injector.onRecovered('chunker-0', recovered(partition, 6, 10), 10);
  injector.onReady('chunker-0', { pid: 11, nowNs: 11 });
  t.is(targets['chunker-0']?.commands.length, 2);
});

test('the exit of another life of the target is no proof', (t) => {
  const { injector } = world();
  injector.inject(plan('kill-broker', ['broker']), { plannedNs: 0, nowNs: 100 });
  injector.onKilled('broker', { pid: 77, nowNs: 101 });
  t.is(injector.openRecords()[0]?.provenNs, null);
});

test('an exit that is told twice proves one fault', (t) => {
  const { injector, targets } = world();
  injector.inject(plan('kill-summer', ['summer-0'], 1), { plannedNs: 0, nowNs: 5 });
  restart(injector, targets['summer-0'], 6);
  injector.inject(plan('kill-summer', ['summer-0'], 2), { plannedNs: 0, nowNs: 9 });
  injector.onKilled('summer-0', { pid: 1, nowNs: 10 });
  t.deepEqual(injector.tallies.get('kill-summer'), { injected: 2, proven: 1, recovered: 0 });
  t.is(injector.gapNsMin, 4);
});

test('a target with a fault that has not healed is not ready for another one', (t) => {
  const { injector, targets } = world();
  const { 'summer-0': summer } = targets;
  if (summer === undefined) throw new Error('there is a summer');
  injector.inject(plan('kill-summer', ['summer-0']), { plannedNs: 0, nowNs: 5 });
  // Its exit is unseen: to the fleet it is still ready.
  summer.ready = true;
  t.false(injector.canInject(plan('kill-summer', ['summer-0'], 2)));
  t.false(injector.canInject(plan('kill-all-summers', ['summer-0', 'summer-1'], 2)));
  t.true(injector.canInject(plan('kill-summer', ['summer-1'], 2)));
  t.throws(() => injector.inject(plan('kill-summer', ['summer-0'], 2), { plannedNs: 0, nowNs: 6 }));
  restart(injector, summer, 7);
  t.true(injector.canInject(plan('kill-summer', ['summer-0'], 2)));
});

test('what has not recovered at the end is written down as such', (t) => {
  const { injector, settled } = world();
  injector.inject(plan('kill-broker', ['broker']), { plannedNs: 0, nowNs: 100 });
  t.false(injector.isRecovered());
  injector.settle(200, true);
  t.is(settled[0]?.recoveredNs, null);
  t.is(settled[0]?.evidence, 'no exit seen');
  t.deepEqual(injector.tallies.get('kill-broker'), { injected: 1, proven: 0, recovered: 0 });
});

test('a target that is not ready is not hit, nor any while too many faults are open', (t) => {
  const { injector, targets } = world();
  const { broker = new Target('') } = targets;
  broker.ready = false;
  t.false(injector.canInject(plan('kill-broker', ['broker'])));
  broker.ready = true;
  for (let id = 1; injector.canInject(plan('kill-broker', ['broker'], id)); id += 1) {
    injector.inject(plan('kill-broker', ['broker'], id), { plannedNs: 0, nowNs: 0 });
    restart(injector, broker, id);
  }
  t.is(injector.openCount, 64);
});

test('random exits, restarts and answers: no exit proves two faults, and no fault recovers before it has healed', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3), fc.nat(4), fc.nat(3)), { maxLength: 120 }),
      (steps: [number, number, number][]) => {
        const { injector, targets, settled } = world();
        const names = Object.keys(targets);
        const exits = new Set<string>();
        let nowNs = 1;
        let id = 0;
        for (const [what, which, partition] of steps) {
          nowNs += 1;
          const target = targets[names[which] ?? ''] ?? new Target('');
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
            for (const open of injector.openRecords())
              injector.onRecovered(`chunker-${which % 2}`, recovered(partition, nowNs - 1, nowNs, open.id), nowNs);
          } else injector.settle(nowNs + which * 1e9);
        }
        injector.settle(nowNs, true);
        const proven = [...injector.tallies.values()].reduce((total, tally) => total + tally.proven, 0);
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
