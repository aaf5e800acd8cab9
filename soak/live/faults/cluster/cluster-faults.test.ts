/** What proves a fault of a cluster, and what proves that it is over, with fake members. */

import test from 'ava';
import { memberTarget } from './member-target.ts';
import { clusterAction } from './cluster-faults.ts';
import { CUTS, type CutKind } from './cuts.ts';
import type { CutAsked, Lab, LabCut, LabMember, LabPowerCut, Packets } from './lab.ts';
import type { ClusterKind } from './cuts.ts';
import type { FaultAction } from '../actions/action.ts';

class FakeMember implements LabMember {
  readonly name: string;
  pid: number | null = 7;
  isReady = true;
  readonly asked: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  async kill(): Promise<void> {
    this.asked.push('kill');
    this.isReady = false;
  }

  start(): void {
    this.asked.push('start');
  }

  restart(): void {
    this.asked.push('restart');
  }

  pause(): void {
    this.asked.push('pause');
  }

  resume(): void {
    this.asked.push('resume');
  }

  async ask(): Promise<void> {
    this.asked.push('ask');
  }
}

class FakeCut implements LabCut {
  readonly lost = new Map<string, Packets>();
  readonly passed = new Map<string, Packets>();
  isOver = false;
  hasBegun = false;
  isHealing = false;
  error: Error | null = null;

  begin(): void {
    this.hasBegun = true;
  }

  heal(): void {
    this.isHealing = true;
  }

  check(): void {
    if (this.error !== null) throw this.error;
  }
}

class FakePowerCut implements LabPowerCut {
  unsynced: ReadonlyMap<string, number> | null = null;
  isOver = false;
  hasBegun = false;
  error: Error | null = null;

  begin(): void {
    this.hasBegun = true;
  }

  heal(): void {
    this.isOver = true;
  }

  check(): void {
    if (this.error !== null) throw this.error;
  }
}

type Scene = {
  readonly lab: Lab;
  readonly members: readonly FakeMember[];
  readonly cuts: FakeCut[];
  readonly asked: CutAsked[];
  readonly powerCut: FakePowerCut;
  readonly told: readonly string[];
  /** Journals that any broker leads. */
  readonly led: string[];
  readonly repeated: { count: number };
  readonly powerAsked: { readonly withStore: boolean }[];
};

function scene(): Scene {
  const names = ['etcd-1', 'etcd-2', 'etcd-3', 'broker-1', 'broker-2', 'broker-3', 'broker-4'];
  const members = names.map((name) => new FakeMember(name));
  const cuts: FakeCut[] = [];
  const asked: CutAsked[] = [];
  const powerCut = new FakePowerCut();
  const told: string[] = [];
  const led: string[] = [];
  const repeated = { count: 3 };
  const powerAsked: { readonly withStore: boolean }[] = [];
  const lab: Lab = {
    members,
    clients: ['summer-0', 'summer-1', 'chunker-0'],
    watch: () => undefined,
    cut(of) {
      asked.push(of);
      const cut = new FakeCut();
      cuts.push(cut);
      return cut;
    },
    darken: (name) => void told.push(`dark ${name}`),
    lighten: (name) => void told.push(`light ${name}`),
    journalsLedBy: async () => led,
    powerCut(of) {
      powerAsked.push(of);
      return powerCut;
    },
  };
  return { lab, members, cuts, asked, powerCut, powerAsked, told, led, repeated };
}

function action(kind: ClusterKind, targets: readonly string[], { lab, members, repeated }: Scene): FaultAction {
  const hit = members.filter(({ name }) => targets.includes(name)).map((member) => memberTarget(member));
  return clusterAction(kind, {
    plan: { id: 1, kind, targets, atMs: 0, lengthMs: 1_000 },
    targets: hit,
    lab,
    repeatedRecords: () => repeated.count,
  });
}

test('killed members are down until they are started, and over when each answers', (t) => {
  const world = scene();
  const kill = action('member-kill-two-brokers', ['broker-1', 'broker-3'], world);
  kill.inject(0);
  t.is(kill.proven(1), null);
  for (const [name, signal] of [
    ['broker-1', 'SIGKILL'],
    ['broker-2', 'SIGKILL'],
    ['broker-3', 'SIGTERM'],
  ] as const) {
    const isOfThis = kill.onExit?.({ name, pid: 7, code: null, signal, nowNs: 2 });
    t.is(isOfThis, name === 'broker-1');
  }
  t.is(kill.proven(3), null);
  t.true(kill.onExit?.({ name: 'broker-3', pid: 7, code: null, signal: 'SIGKILL', nowNs: 4 }));
  t.deepEqual(kill.proven(5), { atNs: 4, saw: 'exit signal SIGKILL of pids 7 7' });
  for (const member of world.members) if (member.asked.includes('kill')) member.pid = null;
  kill.heal(6);
  t.deepEqual(
    world.members.filter(({ asked }) => asked.includes('start')).map(({ name }) => name),
    ['broker-1', 'broker-3'],
  );
  kill.onReady?.({ name: 'broker-1', pid: 8, nowNs: 7 });
  t.is(kill.healed(8), null);
  kill.onReady?.({ name: 'broker-3', pid: 9, nowNs: 9 });
  t.deepEqual(kill.healed(10), { atNs: 9, saw: 'answers again as pids 8 9' });
});

test('a member whose kill was given up before it ended is started when it has ended, however it did', (t) => {
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const world = scene();
    const kill = action('member-kill-broker', ['broker-2'], world);
    const member = world.members.find(({ name }) => name === 'broker-2') ?? t.fail() ?? new FakeMember('');
    kill.inject(0);
    kill.heal(1);
    t.deepEqual(member.asked, ['kill'], 'it has not ended');
    member.isReady = true;
    t.false(kill.isOver?.(), 'its end is yet to come');
    Object.assign(member, { pid: null, isReady: false });
    kill.onExit?.({ name: 'broker-2', pid: 7, code: null, signal, nowNs: 2 });
    t.deepEqual(member.asked, ['kill', 'start']);
    t.false(kill.isOver?.());
    Object.assign(member, { pid: 8, isReady: true });
    t.true(kill.isOver?.());
  }
});

test('a cut is proven by packets of each that did not pass, and over when packets pass again', (t) => {
  const world = scene();
  const cut = action('network-brokers', ['broker-1', 'broker-2'], world);
  const [asked] = world.asked;
  const [fake] = world.cuts;
  if (asked === undefined || fake === undefined) throw new Error('it asks for one cut');
  t.deepEqual(
    [asked.members, asked.peers],
    [
      ['broker-1', 'broker-2'],
      ['broker-3', 'broker-4'],
    ],
  );
  cut.inject(0);
  t.true(fake.hasBegun);
  t.is(cut.proven(1), null);
  fake.lost.set('broker-1', { out: 3, in: 1 });
  t.is(cut.proven(2), null);
  fake.lost.set('broker-2', { out: 0, in: 2 });
  t.is(cut.proven(3)?.atNs, 3);
  cut.heal(4);
  t.true(fake.isHealing);
  t.is(cut.healed(5), null);
  fake.passed.set('broker-1', { out: 5, in: 4 });
  fake.isOver = true;
  t.deepEqual(cut.healed(6), {
    atNs: 6,
    saw: '3 packets to and 3 from its peers lost, 5 packets to and 4 from its peers passed again',
  });
  fake.error = new Error('nft is missing');
  t.throws(() => cut.proven(7), { message: 'nft is missing' });
});

test('a cut of both ways is not proven by packets of one way, nor by a member of which no packet was stopped', (t) => {
  for (const lost of [
    { 'broker-1': { out: 3, in: 0 }, 'broker-2': { out: 2, in: 0 } },
    { 'broker-1': { out: 0, in: 3 }, 'broker-2': { out: 0, in: 2 } },
    { 'broker-1': { out: 3, in: 3 }, 'broker-2': { out: 0, in: 0 } },
  ]) {
    const world = scene();
    const cut = action('network-brokers', ['broker-1', 'broker-2'], world);
    const [fake] = world.cuts;
    cut.inject(0);
    for (const [name, packets] of Object.entries(lost)) fake?.lost.set(name, packets);
    t.is(cut.proven(1), null, JSON.stringify(lost));
  }
});

test('a cut of a client is proven by what it sends, for its peers only answer', (t) => {
  const world = scene();
  const cut = action('network-summer-etcd', ['summer-1'], world);
  const [fake] = world.cuts;
  cut.inject(0);
  fake?.lost.set('summer-1', { out: 0, in: 9 });
  t.is(cut.proven(1), null);
  fake?.lost.set('summer-1', { out: 1, in: 0 });
  t.is(cut.proven(2)?.atNs, 2);
});

test('a cut one way is not proven by what arrives', (t) => {
  const world = scene();
  const cut = action('network-broker-etcd-one-way', ['broker-2'], world);
  const [fake] = world.cuts;
  cut.inject(0);
  fake?.lost.set('broker-2', { out: 0, in: 9 });
  t.is(cut.proven(1), null);
  fake?.lost.set('broker-2', { out: 1, in: 9 });
  t.is(cut.proven(2)?.atNs, 2);
});

test('every cut is between members of one side and all of the other', (t) => {
  for (const [kind, { of, peers, how, isOneWay }] of Object.entries(CUTS)) {
    const world = scene();
    action(kind as CutKind, [`${of}-1`], world);
    const [asked] = world.asked;
    t.deepEqual([asked?.how, asked?.isOneWay], [how, isOneWay], kind);
    const expected = [...world.members.map(({ name }) => name), ...world.lab.clients];
    t.deepEqual(
      asked?.peers,
      expected.filter((name) => name.startsWith(peers) && name !== `${of}-1`),
      kind,
    );
  }
});

test('a broker is paused by its signal, and asked whether it answers', (t) => {
  const world = scene();
  const pause = action('member-pause-broker', ['broker-2'], world);
  pause.inject(0);
  pause.heal(1);
  t.deepEqual(world.members.find(({ name }) => name === 'broker-2')?.asked, ['pause', 'resume']);
});

test('a power cut is proven by what was on no disk, and never by a disk that had everything', (t) => {
  for (const [bytes, isProven] of [
    [8_192, true],
    [0, false],
  ] as const) {
    const world = scene();
    const cut = action('power-two-etcd', ['etcd-1', 'etcd-3'], world);
    cut.inject(0);
    t.true(world.powerCut.hasBegun);
    t.is(cut.proven(1), null);
    for (const name of ['etcd-1', 'etcd-3']) {
      t.true(cut.onExit?.({ name, pid: 7, code: null, signal: 'SIGKILL', nowNs: 2 }));
    }
    t.is(cut.proven(3), null);
    world.powerCut.unsynced = new Map([
      ['etcd-1', bytes],
      ['etcd-3', 0],
    ]);
    const saw = 'exit signal SIGKILL of pids 7 7, KiB that were on no disk and are gone: etcd-1 8, etcd-3 0';
    t.deepEqual(cut.proven(4), isProven ? { atNs: 4, saw } : null);
  }
});

test('a power cut is over when each member that lost its power answers again', (t) => {
  const world = scene();
  const cut = action('power-two-brokers', ['broker-1', 'broker-2'], world);
  cut.inject(0);
  for (const name of ['broker-1', 'broker-2']) {
    cut.onExit?.({ name, pid: 7, code: null, signal: 'SIGKILL', nowNs: 2 });
  }
  cut.heal(3);
  t.true(world.powerCut.isOver);
  cut.onReady?.({ name: 'broker-1', pid: 8, nowNs: 4 });
  t.is(cut.healed(5), null);
  cut.onReady?.({ name: 'broker-2', pid: 9, nowNs: 6 });
  t.deepEqual(cut.healed(7), { atNs: 6, saw: 'answers again as pids 8 9' });
  world.powerCut.error = new Error('umount failed');
  t.throws(() => cut.proven(8), { message: 'umount failed' });
});

test('the fragment store loses its power with all members, and with them alone', (t) => {
  for (const kind of ['power-all', 'power-broker'] as const) {
    const world = scene();
    action(kind, ['broker-1'], world);
    t.deepEqual(world.powerAsked, [{ members: ['broker-1'], withStore: kind === 'power-all' }]);
  }
});

test('a killed broker shows nothing of appends until records stand twice', (t) => {
  const world = scene();
  const kill = action('member-kill-appending', ['broker-2'], world);
  kill.inject(0);
  kill.onExit?.({ name: 'broker-2', pid: 7, code: null, signal: 'SIGKILL', nowNs: 1 });
  t.is(kill.proven(2), null);
  t.is(kill.proven(3), null);
  world.repeated.count += 4;
  t.deepEqual(kill.proven(4), { atNs: 4, saw: 'exit signal SIGKILL of pid 7, then 4 records stand twice' });
  kill.heal(5);
  kill.onReady?.({ name: 'broker-2', pid: 8, nowNs: 6 });
  t.is(kill.healed(7)?.saw, 'answers again as pid 8');
});

test('only a broker that leads a journal is stranded: it is cut off, and then its host is gone', async (t) => {
  const world = scene();
  const strand = action('member-strand-broker', ['broker-2'], world);
  const [cut] = world.cuts;
  strand.inject(0);
  await Promise.resolve();
  t.is(strand.proven(1), null);
  t.false(cut?.hasBegun);
  world.led.push('sums');
  const again = action('member-strand-broker', ['broker-2'], world);
  const [, second] = world.cuts;
  again.inject(10);
  await Promise.resolve();
  t.is(again.proven(11), null);
  t.true(second?.hasBegun);
  second?.lost.set('broker-2', { out: 1, in: 1 });
  t.is(again.proven(12), null);
  t.deepEqual(world.told, []);
  t.is(again.proven(11 + 8_000e6), null);
  t.deepEqual(world.told, ['dark broker-2']);
  again.onExit?.({ name: 'broker-2', pid: 7, code: null, signal: 'SIGKILL', nowNs: 13 + 8_000e6 });
  t.regex(
    again.proven(14 + 8_000e6)?.saw ?? '',
    /^broker-2 is the primary of sums, then the kernel .*SIGKILL of pid 7$/,
  );
  for (const member of world.members) if (member.name === 'broker-2') member.pid = null;
  again.heal(15 + 8_000e6);
  t.deepEqual(world.told, ['dark broker-2', 'light broker-2']);
  t.true(second?.isHealing);
});

test('of two brokers the second is lost a lease after the first, while a third is cut off', (t) => {
  const world = scene();
  const turn = action('member-kill-in-turn', ['broker-1', 'broker-2', 'broker-3'], world);
  const [cut] = world.cuts;
  const killed = (): string[] => world.members.filter(({ asked }) => asked.includes('kill')).map(({ name }) => name);
  turn.inject(0);
  t.deepEqual(world.asked[0]?.members, ['broker-3']);
  cut?.lost.set('broker-3', { out: 1, in: 1 });
  t.is(turn.proven(1_499e6), null);
  t.deepEqual(killed(), []);
  t.is(turn.proven(1_500e6), null);
  t.deepEqual(killed(), ['broker-1']);
  turn.onExit?.({ name: 'broker-1', pid: 7, code: null, signal: 'SIGKILL', nowNs: 1_501e6 });
  t.is(turn.proven(21_499e6), null);
  t.deepEqual(killed(), ['broker-1']);
  t.is(turn.proven(21_500e6), null);
  t.deepEqual(killed(), ['broker-1', 'broker-2']);
  turn.onExit?.({ name: 'broker-2', pid: 7, code: null, signal: 'SIGKILL', nowNs: 21_501e6 });
  t.is(turn.proven(21_502e6)?.atNs, 21_501e6);
});
