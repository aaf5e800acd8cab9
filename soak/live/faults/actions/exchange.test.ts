import test from 'ava';
import type { FakeTarget } from '../../testing/fake-targets.ts';
import { plan, world } from '../../testing/injector-world.ts';
import type { FaultInjector } from '../injector.ts';
import type { Build } from './target.ts';

/** It has ended with this exit code. */
function ended(injector: FaultInjector, { name, pid }: FakeTarget, code: number, nowNs: number): void {
  injector.onExit({ name, pid: pid ?? 0, code, signal: null, nowNs });
}

/** It is ready under the next pid, and runs this build. */
function back(injector: FaultInjector, target: FakeTarget, build: Build, nowNs: number): void {
  target.pid = (target.pid ?? 0) + 1;
  target.build = build;
  target.ready = true;
  injector.onReady({ name: target.name, pid: target.pid, nowNs });
}

test('an upgrade exchanges one process after the other, and is proven by what the kernel has in their places', (t) => {
  const { injector, fakes, settled } = world();
  const [first, second] = fakes.summers as [FakeTarget, FakeTarget];
  first.build = 'older';
  injector.inject(plan('upgrade-summer', ['summer-0', 'summer-1']), { plannedNs: 0, nowNs: 0 });
  t.deepEqual([first.asked, second.asked], [['exchange newer'], []]);
  ended(injector, first, 0, 1);
  back(injector, first, 'newer', 2);
  t.deepEqual([first.asked, second.asked], [['exchange newer'], ['exchange newer']]);
  t.is(injector.openOutcomes()[0]?.provenNs, null, 'one of two is no upgrade');
  ended(injector, second, 0, 3);
  back(injector, second, 'newer', 4);
  t.like(injector.openOutcomes()[0], { provenNs: 4, healedNs: 4, partitionsHit: 4 });
  t.is(
    injector.openOutcomes()[0]?.evidence,
    'exit 0 of pid 1, which ran the older build, pid 2 runs the newer build; ' +
      'exit 0 of pid 1, which ran the unknown build, pid 2 runs the newer build, each is ready again',
  );
  t.deepEqual(settled, []);
});

test('an upgrade of processes that run the newer build already would do nothing, and is never proven', (t) => {
  const { injector, fakes } = world();
  const [first, second] = fakes.summers as [FakeTarget, FakeTarget];
  const upgrade = plan('upgrade-summer', ['summer-0', 'summer-1']);
  for (const [one, other] of [
    ['older', 'newer'],
    ['older', 'older'],
    [null, 'newer'],
    [null, null],
  ] as const) {
    Object.assign(first, { build: one });
    Object.assign(second, { build: other });
    t.false(injector.isMoot(upgrade), `${one} ${other}`);
  }
  for (const summer of [first, second]) summer.build = 'newer';
  t.true(injector.isMoot(upgrade));
  t.false(injector.isMoot(plan('downgrade-summer', ['summer-0'])));
  injector.inject(upgrade, { plannedNs: 0, nowNs: 0 });
  for (const [at, summer] of [first, second].entries()) {
    ended(injector, summer, 0, 10 * at + 1);
    back(injector, summer, 'newer', 10 * at + 2);
  }
  t.is(injector.openOutcomes()[0]?.provenNs, null);
});

test('a process that comes back by the build that it had was not upgraded', (t) => {
  const { injector, fakes, settled } = world();
  const { broker } = fakes;
  injector.inject(plan('upgrade-broker', ['broker']), { plannedNs: 0, nowNs: 0 });
  ended(injector, broker, 0, 1);
  back(injector, broker, 'older', 2);
  injector.step(11e9);
  t.is(settled[0]?.evidence, 'not seen to hit');
  t.true(injector.isHealed);
  t.is(injector.takeMissed().length, 1);
});

test('an older build that refuses the folder in one line settles its downgrade, and the newer one goes on', (t) => {
  const { injector, fakes } = world();
  const { broker } = fakes;
  broker.build = 'newer';
  injector.inject(plan('downgrade-broker', ['broker']), { plannedNs: 0, nowNs: 0 });
  t.deepEqual(broker.asked, ['exchange older']);
  ended(injector, broker, 0, 1);
  broker.pid = 2;
  broker.lastLine = 'the store has format 3, and this build reads 2';
  ended(injector, broker, 2, 2);
  t.is(injector.openOutcomes()[0]?.provenNs, null, 'the newer build is not there yet');
  back(injector, broker, 'newer', 3);
  t.like(injector.openOutcomes()[0], { provenNs: 3, healedNs: 3 });
  t.is(
    injector.openOutcomes()[0]?.evidence,
    'exit 0 of pid 1, which ran the newer build, pid 2 refused with exit 2: ' +
      `${broker.lastLine}, pid 3 runs the newer build, each is ready again`,
  );
});

test('a newer build that refuses is no upgrade, and neither is a violation of an older one a refusal', (t) => {
  for (const [kind, code] of [
    ['upgrade-chunker', 2],
    ['downgrade-chunker', 10],
  ] as const) {
    const { injector, fakes } = world();
    const [chunker] = fakes.chunkers as [FakeTarget];
    injector.inject(plan(kind, ['chunker-0']), { plannedNs: 0, nowNs: 0 });
    ended(injector, chunker, 0, 1);
    chunker.pid = 2;
    ended(injector, chunker, code, 2);
    back(injector, chunker, kind === 'upgrade-chunker' ? 'older' : 'newer', 3);
    t.is(injector.openOutcomes()[0]?.provenNs, null, kind);
  }
});

test('a downgrade to a build that takes the folder is proven by that build, unless it was there before', (t) => {
  for (const before of ['newer', 'older'] as const) {
    const { injector, fakes } = world();
    const [, chunker] = fakes.chunkers as [FakeTarget, FakeTarget];
    chunker.build = before;
    injector.inject(plan('downgrade-chunker', ['chunker-1']), { plannedNs: 0, nowNs: 0 });
    ended(injector, chunker, 0, 1);
    back(injector, chunker, 'older', 2);
    const proven = /^exit 0 of pid 1, which ran the newer build, pid 2 runs the older build/;
    t.regex(injector.openOutcomes()[0]?.evidence ?? '', before === 'newer' ? proven : /^not seen to hit$/);
  }
});
