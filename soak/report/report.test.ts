import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../src/core/errors.ts';
import { ManualClock } from '../../src/core/testing/manual-clock.ts';
import { figuresOf } from '../../src/report/figures.ts';
import { escaped } from '../../src/report/html.ts';
import { timelineOf } from '../../src/report/timeline.ts';
import { foreignParts } from '../../src/report/testing/foreign.ts';
import type { LogEntry } from '../guarantee/history-log.ts';
import { FlightRecorder } from '../live/flight-recorder.ts';
import { made, plainReport, reportOf, textOf, timelineIn } from './testing/pages.ts';
import { writeReport } from './write-report.ts';

const FILE = 'c0ffee00c0ffee000000000000000011';
const VIOLATION = `28.25,late,chunker-0,sums,77,${FILE},12,"file 17: 612 ms, the SLA is 500 ms <b>&"\r\n`;

test('a run that holds shows its verdict, what it rests on, its faults, and what repeats it', (t) => {
  const page = plainReport(t);
  const text = textOf(page);
  t.regex(text, /^.{0,80}HOLDS Load, faults and checks took place/);
  t.regex(text, /fault kinds proven 5 of 18/);
  t.regex(text, /audited 204,221 batches and 31 checkpoints, to the end/);
  t.regex(text, /kill-summer .*partition-reset .*partition-slice 0 0 0 0 - - -/);
  t.regex(text, /kind appending idle in a commit faults/);
  t.regex(text, /git checkout c0ffee\S+ &amp;&amp; npm ci npx stream-sum soak --duration 60s --seed 7 # what/);
  t.notRegex(text, /Violations|NaN|undefined|null|\[object/);
  t.regex(page, /<html lang="en">.*<figure><figcaption>Throughput, latency and faults over the run<\/figcaption>/s);
  for (const label of page.match(/role="(?:img|region)"[^>]*/g) ?? []) t.regex(label, /aria-label="[^"]{10,}"/);
});

test('the timeline has each second, the offered rate, and each fault from injection to recovery', (t) => {
  const folder = made(t, { isMissing: (second) => second === 30 });
  const { panels, faults, atS, phases } = timelineIn(reportOf(folder));
  const published = panels[0]?.series.find(({ name }) => name === 'published')?.values ?? [];
  t.is(published.length, 60);
  t.is(published[29], null);
  t.is(published[25], 20_000);
  t.is(atS[0], 0.5);
  t.deepEqual([...new Set(phases.map(({ name }) => name))], ['warm-up', 'steady', 'faults', 'heal', 'drain']);
  const offered = panels[0]?.series.find(({ name }) => name === 'offered')?.values ?? [];
  t.deepEqual([offered[0], offered.at(-1)], [20_000, null]);
  const [item] = faults?.items ?? [];
  t.like(item, { injectedS: 12, provenS: 12.05, healedS: 12.8, recoveredS: 13.4 });
  t.regex(
    item?.text ?? '',
    /^fault 1: kill-summer of summer-1\n.*moment: appending\nproven after 0\.050 s, healed after/,
  );
});

test('a memory that is not known is a gap of its line, and never 0', (t) => {
  const memory = figuresOf(plainReport(t)).find(({ chart }) => chart.title.startsWith('Resident memory'));
  if (memory?.of !== 'time') throw new TypeError('memory is drawn over time');
  const summer = memory.chart.panels[0]?.series.find(({ name }) => name === 'summer-0')?.values ?? [];
  t.is(summer[13], null);
  t.true(summer.filter((value) => value !== null).every((value) => value > 1e6));
});

test('a violation has its witness, the open faults, the commands, and its place on the page of events', (t) => {
  const reasons = ['chunker-0: late journal=sums offset=77: 612 ms', '  the line below it <i>'];
  const folder = made(t, { run: { verdict: 'VIOLATED', exitCode: 10, reasons }, violations: VIOLATION });
  const recorder = new FlightRecorder(join(folder, 'history'), { clock: new ManualClock() });
  const events = [
    { event: 'run', seed: 7, slaMs: 500, partitions: 8, processes: ['broker', 'chunker-0'], faults: {} },
    { event: 'ready', process: 'chunker-0' },
    { event: 'end' },
  ];
  for (const [index, event] of events.entries()) {
    recorder.add({ n: index + 1, event: { ...event, atNs: 1e9 + index * 1e9 } } as LogEntry);
  }
  recorder.close();
  const page = reportOf(folder);
  const text = textOf(page);
  t.regex(text, /VIOLATED A guarantee broke\. chunker-0: late/);
  t.regex(text, /late found by chunker-0 at 28\.250 s: journal sums, offset 77, index 12, file_id c0ffee00/);
  t.regex(text, /Open then: fault 4, partition-reset of summer-1, injected 1\.250 s before\./);
  t.true(page.includes(`href="trace.html#at=28.25&amp;file=${FILE}"`));
  t.true(page.includes('href="logs/chunker-0.log"'));
  t.regex(text, new RegExp(`npx stream-sum explain results/\\S+ --file ${FILE}`));
  t.is(timelineOf(readFileSync(join(folder, 'trace.html'), 'utf8')).lanes.join(), 'broker,chunker-0');
});

test('stories of a run stand before its single violations, and growth is told with its verdict', (t) => {
  const story = {
    title: '12 files were late <b>',
    lines: ['the broker was down', '  for 2 s'],
    firstFoundSeconds: 28.25,
  };
  const folder = made(t, { run: { verdict: 'VIOLATED', stories: [story, 7] }, violations: VIOLATION });
  mkdirSync(join(folder, 'evidence'));
  writeFileSync(
    join(folder, 'resources.csv'),
    'process,resource,unit,incarnations,seconds,median,' +
      'per_hour,per_hour_low,per_hour_high,per_hour_recent,p,verdict\r\n' +
      'soak,memory,B,1,1200,1.3e8,1000,-2000,3000,,0.5,none\r\n' +
      'broker,memory,B,1,1200,9e7,5e7,4e7,6e7,,1e-9,leak\r\nsummer-0,heap,B,9,30,9e6,,,,,,short\r\n',
  );
  const page = reportOf(folder);
  const text = textOf(page);
  t.regex(
    text,
    /Violations 12 files were late &lt;b&gt; the broker was down for 2 s evidence All 1 single violations late found/,
  );
  t.true(page.includes('href="evidence/witness.txt"'));
  t.regex(
    text,
    /broker memory leak 90 MB 50 MB 40 MB to 60 MB 20 min 0 s 1 soak memory none 130 MB 1 kB -2 kB to 3 kB/,
  );
  t.regex(text, /1 of 3 series were watched for too short a time/);
});

test('a run of which there is no more than its beginning has a report that says so', (t) => {
  const folder = made(t, { seconds: 0, run: { verdict: null, endedAt: null } });
  const text = textOf(reportOf(folder));
  t.regex(text, /NO VERDICT The run goes on, or was killed before its verdict/);
  t.regex(text, /No second of this run is recorded/);
  t.notRegex(text, /NaN|undefined|Infinity/);
});

test('a file that is damaged or absent is named, and the rest is shown', (t) => {
  const folder = made(t, { run: { verdict: 'INCONCLUSIVE', reasons: ['interrupted after 6 s'] } });
  writeFileSync(join(folder, 'faults.csv'), 'id,kind\r\n1,2,3\r\n');
  const text = textOf(reportOf(folder));
  t.regex(text, /INCONCLUSIVE .* interrupted after 6 s Not shown: faults\.csv: line 2, column 1: 3 fields/);
  t.regex(text, /Latency by phase/);
});

test('the page loads nothing from elsewhere, and no text of a run becomes part of it', (t) => {
  const hostile = '</script><script>alert(1)</script><img src=x>"\'';
  const violations = `31.5,late,"${hostile.replaceAll('"', '""')}",sums,77,"<u>",12,"<b>bold</b>"\r\n`;
  const run = {
    verdict: 'VIOLATED',
    reasons: [hostile],
    commandLine: ['soak', hostile],
    configuration: { [hostile]: hostile },
    environment: { cpu: hostile },
    audit: hostile,
    commit: hostile,
    startedAt: hostile,
    crashes: { [hostile]: hostile },
  };
  const folder = made(t, { run, violations });
  writeFileSync(join(folder, 'intervals.csv'), `elapsed_s,phase,"${hostile.replaceAll('"', '""')}"\r\n1,"<s>",1\r\n`);
  const page = reportOf(folder);
  t.is(page.match(/<\/script>/g)?.length, 3);
  t.is(page.match(/<script/g)?.length, 3);
  const [before = '', , after = ''] = page.split(/<script>|<\/script>/);
  t.notRegex(before + after, /<img|<u>|<b>|<s>/);
  t.deepEqual(foreignParts(plainReport(t)), []);
});

test('a run that holds says which of its expectations are not met', (t) => {
  const expectations = [
    { text: 'p99<50ms', isMet: false, measured: '198 ms' },
    { text: 'rate>1', isMet: true, measured: '20,000 chunks/s' },
  ];
  const text = textOf(reportOf(made(t, { run: { exitCode: 11, expectations } })));
  t.regex(text, /HOLDS .* Expected p99&lt;50ms: NOT MET , 198 ms Expected rate&gt;1: met, 20,000 chunks\/s/);
});

test('the command that repeats a run has the seed that was drawn, and is one for a shell', (t) => {
  const text = textOf(reportOf(made(t, { run: { commandLine: ['soak', '--results', "it's here"], seed: 12 } })));
  t.true(text.includes(escaped(String.raw`npx stream-sum soak --results 'it'\''s here' --seed 12`)));
});

test('what is no folder of a soak is refused, and a report is replaced as a whole', (t) => {
  const folder = made(t);
  t.regex(writeReport(folder), /report\.html \([\d.]+ MB\)$/);
  t.regex(writeReport(folder), /report\.html \([\d.]+ MB\)$/);
  t.false(existsSync(join(folder, 'trace.html')));
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ kind: 'bench' }));
  t.throws(() => writeReport(folder), { instanceOf: UsageError, message: /is not the run of a soak, but of "bench"/ });
  t.throws(() => writeReport(join(folder, 'logs')), { instanceOf: UsageError, message: /has no run\.json/ });
});
