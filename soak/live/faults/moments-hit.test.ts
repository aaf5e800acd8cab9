import test from 'ava';
import fc from 'fast-check';
import { type Moment, momentsToHit } from '../../../src/moments/moment.ts';
import type { SeenMoments } from '../../../src/moments/page-layout.ts';
import { FakeTarget } from '../testing/fake-targets.ts';
import { killed, plan, world } from '../testing/injector-world.ts';
import { FrozenMoments } from './frozen-moments.ts';
import { MomentsHit } from './moments-hit.ts';
import { PageCheck } from './page-check.ts';

function seen(moments: SeenMoments['moments'], from: Partial<SeenMoments> = {}): SeenMoments {
  const begun = {
    starting: 1,
    replaying: 1,
    appending: 1,
    folding: 1,
    'in a commit': 1,
    'between a commit and its publication': 1,
  };
  return { component: 'summer', pid: 1, moments, begun, ...from };
}

const NONE = { contradiction: null };

test('the next aim is a moment that was hit or missed least often, and the seed decides between equals', (t) => {
  fc.assert(
    fc.property(fc.nat(), fc.array(fc.nat(9), { maxLength: 40 }), (seed, hits) => {
      const moments = momentsToHit('summer');
      const made = new MomentsHit(seed);
      const again = new MomentsHit(seed);
      const counts = new Map<Moment, number>(moments.map((moment) => [moment, 0]));
      for (const hit of hits) {
        const aim = made.aimAt('summer');
        t.is(again.aimAt('summer'), aim);
        t.is(counts.get(aim), Math.min(...counts.values()));
        const moment = moments[hit % moments.length] ?? 'idle';
        const where = { ...NONE, hit: [{ name: 'summer-0', seen: seen(moment === 'idle' ? [] : [moment]) }] };
        for (const of of [made, again]) of.add({ aim }, where);
        counts.set(moment, (counts.get(moment) ?? 0) + 1);
        if (moment !== aim) counts.set(aim, (counts.get(aim) ?? 0) + 1);
      }
      t.is(made.coverage.aimed, hits.length);
    }),
  );
  const firsts = new Set(Array.from({ length: 64 }, (_, seed) => new MomentsHit(seed).aimAt('summer')));
  t.is(firsts.size, momentsToHit('summer').length);
});

test('what was hit is counted by component and moment, and what nobody knows as unknown', (t) => {
  const made = new MomentsHit(1);
  const broker = seen(['appending', 'in a commit'], { component: 'broker' });
  made.add(
    { aim: 'in a commit' },
    {
      ...NONE,
      hit: [
        { name: 'broker', seen: broker },
        { name: 'summer-0', seen: seen([]) },
        { name: 'chunker-0', seen: null },
      ],
    },
  );
  made.add({ aim: 'idle' }, { ...NONE, hit: [{ name: 'broker', seen: broker }] });
  const { hits, unknown, aimed, reached } = made.coverage;
  t.deepEqual([unknown, aimed, reached], [1, 2, 1]);
  t.like(hits, { broker: { idle: 0, appending: 2, 'in a commit': 2 }, summer: { idle: 1, folding: 0 } });
});

test('the moment of a killed process is that of its page when it has ended, and that of no other pid', (t) => {
  const [summer, broker] = [new FakeTarget('summer-0'), new FakeTarget('broker')];
  const moments = new FrozenMoments('kill-everything', [broker, summer]);
  summer.seen = seen(['folding']);
  broker.seen = seen(['in a commit'], { component: 'broker', pid: 7 });
  t.is(moments.text, null);
  moments.onKilled('summer-0', 2);
  t.is(moments.text, null);
  moments.onKilled('summer-0', 1);
  summer.seen = seen(['starting'], { pid: 2 });
  moments.onKilled('summer-0', 1);
  moments.onKilled('broker', 1);
  t.is(moments.text, 'broker: unknown; summer-0: folding');
});

test('the moment of a stopped process is that of its page, which must not change until it runs', (t) => {
  const broker = new FakeTarget('broker');
  const moments = new FrozenMoments('pause-broker', [broker]);
  broker.seen = seen(['appending'], { component: 'broker' });
  moments.onStopped();
  t.is(moments.text, null);
  broker.pause(1);
  broker.seen = seen(['in a commit'], { component: 'broker' });
  moments.onStopped();
  t.is(moments.text, 'in a commit');
  moments.beforeResume();
  t.is(moments.contradiction, null);
  broker.seen = seen([], { component: 'broker' });
  moments.beforeResume();
  t.is(moments.contradiction, 'the page of broker has changed while broker was stopped');
  t.is(moments.text, 'in a commit');
});

test('whatever kills its target for good reads its page when it has ended', (t) => {
  for (const kind of ['retire-chunker', 'takeover-dead'] as const) {
    const summer = new FakeTarget('summer-0');
    summer.seen = seen(['folding']);
    const moments = new FrozenMoments(kind, [summer]);
    moments.onKilled('summer-0', 1);
    t.is(moments.text, 'folding');
  }
});

test('a fault that lets its targets go on has no moment', (t) => {
  const summer = new FakeTarget('summer-0');
  summer.seen = seen(['folding']);
  for (const kind of ['restart-each', 'takeover-running', 'partition-drop'] as const) {
    const moments = new FrozenMoments(kind, [summer]);
    moments.onStopped();
    moments.onKilled('summer-0', 1);
    t.deepEqual([moments.text, moments.hit], [null, []]);
  }
});

test('the row of a kill has the moment at which it hit, whatever the page says afterwards', (t) => {
  const { injector, targets } = world();
  const summer = targets['summer-0'] ?? t.fail() ?? new FakeTarget('');
  summer.seen = seen(['folding']);
  injector.inject({ ...plan('kill-summer', ['summer-0']), aim: 'in a commit' }, { plannedNs: 0, nowNs: 0 });
  t.like(injector.openOutcomes()[0], { moment: null, aim: 'in a commit' });
  summer.seen = seen(['in a commit']);
  killed(injector, 'summer-0', { pid: 1, nowNs: 1 });
  summer.seen = seen([], { pid: 2 });
  t.like(injector.openOutcomes()[0], { moment: 'in a commit', aim: 'in a commit' });
});

/** The page of a broker that has begun so many transactions. */
function counting(begun: number, pid = 1): SeenMoments {
  const page = seen([], { component: 'broker', pid });
  return { ...page, begun: { ...page.begun, 'in a commit': begun } };
}

test('a page that counts fewer transactions than its process had reported is found, and a later page is not', (t) => {
  const honest = new PageCheck();
  for (let commits = 0; commits < 5_000; commits += 100)
    honest.add('broker', counting(commits + (commits % 900)), commits);
  honest.add('broker', counting(0, 2), 0);
  t.deepEqual([...honest.doubts], []);
  const still = new PageCheck();
  for (let commits = 0; commits < 500; commits += 100) still.add('broker', counting(5), commits);
  t.is([...still.doubts][0], 'the page of moments of broker counts 5 transactions, and broker 100');
});
