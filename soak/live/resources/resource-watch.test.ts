import test from 'ava';
import type { ProcessUsage } from '../../../src/fleet/process-usage.ts';
import { ResourceWatch, leakText } from './resource-watch.ts';

const MIB = 1024 ** 2;

function usage(memory: number): ProcessUsage {
  return { rssBytes: memory, anonymousBytes: memory, descriptors: 30, cpuSeconds: 1, writtenBytes: 0 };
}

/** A watch of 20 minutes, over a broker that leaks `leak` bytes a second and a summer that does not. */
function watched(leak: { readonly memory?: number; readonly disk?: number; readonly heap?: number }): ResourceWatch {
  const watch = new ResourceWatch({ self: 'soak' });
  const { memory = 0, disk = 0, heap = 0 } = leak;
  let n = 0;
  for (let second = 0; second < 1_200; second += 1) {
    const atNs = second * 1e9;
    // The disk outlives the process. After ten minutes the broker is another process.
    const pid = second < 600 ? 1 : 3;
    const wobble = (second % 7) * 1_000;
    watch.sample('faults', atNs, [
      {
        name: 'broker',
        pid,
        usage: usage(80 * MIB + memory * second + wobble),
        diskBytes: MIB + disk * second + wobble,
      },
      { name: 'summer-0', pid: 2, usage: usage(80 * MIB + wobble), diskBytes: MIB + wobble },
    ]);
    n += 1;
    const progress = { event: 'progress', component: 'broker', commits: 1, appends: 1, bytesAppended: 1 } as const;
    const said = { ...progress, diskBytes: 1, journalBytes: 1, heapBytes: 20 * MIB + heap * second + wobble };
    watch.hear({ n, event: { event: 'said', atNs, process: 'broker', said } });
  }
  watch.close();
  return watch;
}

test('a process that leaks is named with what leaks, and its neighbours are not', (t) => {
  t.deepEqual(watched({}).leaks(), []);
  for (const [resource, leak] of [
    ['memory', { memory: 0.1 * MIB }],
    ['disk', { disk: 0.1 * MIB }],
    ['heap', { heap: 0.1 * MIB }],
  ] as const) {
    const leaks = watched(leak).leaks();
    t.deepEqual(
      leaks.map(({ process, kind }) => [process, kind]),
      [['broker', 'leak']],
      resource,
    );
    t.regex(leaks[0]?.detail ?? '', new RegExp(`^${resource} grows by 37\\d MB an hour \\(95 % confidence: 3`));
  }
});

test('a row has how long a process was watched, in incarnations that were long enough', (t) => {
  const rows = watched({}).rows();
  const broker = rows.find(({ process, resource }) => process === 'broker' && resource === 'memory');
  t.like(broker, { incarnations: 2, verdict: 'none', unit: 'B' });
  // Ten minutes twice, without the first minute of each.
  t.true(Math.abs((broker?.seconds ?? 0) - 1_080) <= 20, String(broker?.seconds));
  t.like(
    rows.find(({ process, resource }) => process === 'broker' && resource === 'disk'),
    { incarnations: 1 },
  );
  t.is(rows.find(({ resource }) => resource === 'rss')?.verdict, 'listed');
});

test('what happens before the load and after it is not watched', (t) => {
  const watch = new ResourceWatch({ self: 'soak' });
  for (const phase of ['warm-up', 'drain', 'audit'] as const)
    for (let second = 0; second < 400; second += 1)
      watch.sample(phase, second * 1e9, [{ name: 'broker', pid: 1, usage: usage(second * MIB), diskBytes: second }]);
  watch.close();
  t.deepEqual(watch.rows(), []);
});

test('processes that come and go for good are forgotten, and those that were watched long enough are not', (t) => {
  const watch = new ResourceWatch({ self: 'soak' });
  for (let second = 0; second < 4_000; second += 1) {
    const name = second < 400 ? 'chunker-0' : `chunker-${Math.floor(second / 100)}`;
    watch.sample('faults', second * 1e9, [{ name, pid: second, usage: usage(MIB), diskBytes: 1 }]);
  }
  watch.close();
  const names = new Set(watch.rows().map(({ process: name }) => name));
  t.true(names.has('chunker-39') && names.has('chunker-33') && !names.has('chunker-32'), [...names].join(' '));
  t.true(names.has('chunker-0'));
});

test('a leak is told in one line, with its interval and how long it was seen', (t) => {
  const row = {
    process: 'broker',
    resource: 'descriptors',
    unit: '1',
    incarnations: 1,
    seconds: 1_080,
    median: 80,
    perHour: 360,
    perHourLow: 350.26,
    perHourHigh: 369.74,
    perHourRecent: 360,
    perHourRobust: 360,
    p: 1e-9,
    verdict: 'leak',
  } as const;
  t.is(leakText(row), 'descriptors grows by 360.0 an hour (95 % confidence: 350.3 to 369.7), seen for 18 min 0 s');
});
