import test from 'ava';
import { UsageError } from '../../src/core/errors.ts';
import { kindsOf } from '../guarantee/fault-kinds.ts';
import type { SoakOptions } from './soak-options.ts';
import { outlookLines, outlookOf } from './outlook.ts';
import { fakeOptions } from './testing/fake-run.ts';

/** The command's defaults. */
function options(changes: Partial<SoakOptions> = {}): SoakOptions {
  return fakeOptions('results', {
    durationMs: 60_000,
    chunkers: 3,
    files: 100,
    chunks: { low: 100, high: 100 },
    rate: 20_000,
    faults: ['kill'],
    faultIntervalMs: 5_000,
    ...changes,
  });
}

test('a run is told what it will be like', (t) => {
  const outlook = outlookOf(options());
  // 1.2 million records; 300 open files still hold half of theirs.
  t.is(outlook.files, 11_731);
  t.is(outlook.drainMs, 757.5);
  t.is(outlook.drainMsMax, 2 * 757.5 + 30_000 + 30_000);
  t.is(
    [...outlook.faults.values()].reduce((sum, count) => sum + count, 0),
    8,
  );
  t.deepEqual([...outlook.faults.keys()].toSorted(), kindsOf(['kill'], { summers: 2 }).toSorted());
  const lines = outlookLines(outlook, options());
  t.regex(lines[0], /^plan: some 11,731 files and 38 MB in 1 min 0 s; 8 kill \(5 of 5 kinds\)$/);
  t.regex(lines[1], /^ +then a drain of some 1 s, given up after 1 min 2 s$/);
  for (const line of lines) t.true(line.length <= 120, line);
});

test('files of many lengths take longer to drain than half of the average one', (t) => {
  const even = outlookOf(options({ chunks: { low: 500, high: 500 }, rate: 6_000 })).drainMs ?? 0;
  const spread = outlookOf(options({ chunks: { low: 0, high: 1_000 }, rate: 6_000 })).drainMs ?? 0;
  t.true(spread > even * 1.3 && spread < even * 1.4, `${spread} and ${even}`);
});

test('nobody knows how much a run at the highest rate publishes, and its drain has a bound', (t) => {
  const asked = options({ rate: 'max', faults: [], durationMs: 10_000 });
  const outlook = outlookOf(asked);
  t.like(outlook, { files: null, bytes: null, drainMs: null, drainMsMax: 180_000 });
  t.regex(outlookLines(outlook, asked)[0], /as many files as it can take in 10 s; no faults$/);
});

test('a run that could show nothing, or would not end, is refused by the option to change', (t) => {
  const refused: readonly (readonly [Partial<SoakOptions>, RegExp])[] = [
    [
      { rate: 3, durationMs: 12_000, faultIntervalMs: 2_000 },
      /^--rate 3: no file would be complete within --duration 12 s; with \d+ open files of /,
    ],
    [
      { rate: 300, chunks: { low: 0, high: 1_000 } },
      /^--rate 300: the 300 files that are open at the end would take 5 min \d+ s to drain, longer than --duration/,
    ],
    [
      { durationMs: 2_000 },
      /^--fault-interval 5 s: the 1.4 s .* have time for 1 of them, too few for 2 of each of kill; ask/,
    ],
    [{ faultIntervalMs: 60_000 }, /^--fault-interval 1 min 0 s: the .* have time for 1 of them, too few/],
  ];
  for (const [changes, message] of refused) {
    const error = t.throws(() => outlookOf(options(changes)), { instanceOf: UsageError, message });
    t.false(error?.message.includes('\n'));
  }
});

test('a run of weeks is planned at once', (t) => {
  const asked = options({ durationMs: 60 * 86_400_000, faultIntervalMs: 100 });
  t.regex(outlookLines(outlookOf(asked), asked)[0], /many kill \(/);
});
