import test from 'ava';
import type { ComponentCommand } from '../src/process/component-protocol.ts';
import { FaultInjector, type FaultRecord, type FaultTarget } from './fault-injector.ts';
import type { FaultKind, PlannedFault } from './fault-schedule.ts';

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
    targets: { named, chunkers: [named('chunker-0'), named('chunker-1')] },
    onSettled: (record) => settled.push(record),
  });
  return { injector, targets, settled };
}

function plan(kind: FaultKind, targets: readonly string[], id = 1): PlannedFault {
  return { id, kind, targets, atMs: 0 };
}

const recovered = (intendedNs: number, verifiedNs: number, fault = 1) =>
  ({ event: 'recovered', fault, partition: 0, intendedNs, verifiedNs }) as const;

test('a fault goes from its injection over proof and healing to the earliest recovery', (t) => {
  const { injector, targets, settled } = world();
  injector.inject(plan('kill-all-summers', ['summer-0', 'summer-1']), { plannedNs: 90, nowNs: 100 });
  t.deepEqual(targets['chunker-1']?.commands, [{ command: 'watch', fault: 1, sinceNs: 100, partitions: [0, 1, 2, 3] }]);
  injector.onKilled('summer-0', { pid: 1, nowNs: 110 });
  t.is(injector.openRecords()[0]?.provenNs, null);
  injector.onKilled('summer-1', { pid: 1, nowNs: 111 });
  injector.onReady('summer-1', { pid: 2, nowNs: 120 });
  t.is(injector.openRecords()[0]?.healedNs, null);
  injector.onReady('summer-0', { pid: 3, nowNs: 130 });
  injector.onRecovered('chunker-0', recovered(101, 150), 151);
  t.true(injector.isRecovered());
  injector.settle(152);
  t.deepEqual(settled, []);
  injector.onRecovered('chunker-1', recovered(102, 140), 160);
  injector.settle(161);
  t.deepEqual(settled, [
    {
      id: 1,
      kind: 'kill-all-summers',
      target: 'summer-0 summer-1',
      plannedNs: 90,
      injectedNs: 100,
      provenNs: 111,
      healedNs: 130,
      recoveredNs: 140,
      evidence: 'exit signal SIGKILL of pids 1 1, ready again as pids 3 2',
    },
  ]);
  t.deepEqual(injector.tallies.get('kill-all-summers'), { injected: 1, proven: 1, recovered: 1 });
});

test('one answer is enough when the other chunkers stay silent', (t) => {
  const { injector, settled } = world();
  injector.inject(plan('kill-broker', ['broker']), { plannedNs: 0, nowNs: 0 });
  injector.onKilled('broker', { pid: 1, nowNs: 1 });
  injector.onReady('broker', { pid: 2, nowNs: 2 });
  injector.onRecovered('chunker-0', recovered(1, 3), 3);
  injector.settle(0.9e9);
  t.is(settled.length, 0);
  injector.settle(1.1e9);
  t.is(settled[0]?.recoveredNs, 3);
});

test('a killed chunker is asked itself, once it is ready again', (t) => {
  const { injector, targets } = world();
  injector.inject(plan('kill-chunker', ['chunker-1']), { plannedNs: 0, nowNs: 5 });
  t.deepEqual(targets['chunker-0']?.commands, []);
  t.deepEqual(targets['chunker-1']?.commands, []);
  injector.onKilled('chunker-1', { pid: 1, nowNs: 6 });
  injector.onReady('chunker-1', { pid: 2, nowNs: 7 });
  t.deepEqual(targets['chunker-1']?.commands, [{ command: 'watch', fault: 1, sinceNs: 5, partitions: null }]);
});

test('a chunker that restarts is asked again about the faults that it has not answered', (t) => {
  const { injector, targets } = world();
  injector.inject(plan('kill-summer', ['summer-0']), { plannedNs: 0, nowNs: 5 });
  injector.onReady('chunker-0', { pid: 9, nowNs: 7 });
  t.is(targets['chunker-0']?.commands.length, 2);
  injector.onRecovered('chunker-0', recovered(6, 8), 8);
  injector.onReady('chunker-0', { pid: 10, nowNs: 9 });
  t.is(targets['chunker-0']?.commands.length, 2);
});

test('a sum that was intended before the fault shows no recovery', (t) => {
  const { injector } = world();
  injector.inject(plan('kill-broker', ['broker']), { plannedNs: 0, nowNs: 100 });
  injector.onRecovered('chunker-0', recovered(99, 200), 200);
  t.is(injector.openRecords()[0]?.recoveredNs, null);
});

test('the exit of another life of the target is no proof', (t) => {
  const { injector } = world();
  injector.inject(plan('kill-broker', ['broker']), { plannedNs: 0, nowNs: 100 });
  injector.onKilled('broker', { pid: 77, nowNs: 101 });
  t.is(injector.openRecords()[0]?.provenNs, null);
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
    broker.ready = true;
  }
  t.is(injector.openCount, 64);
});
