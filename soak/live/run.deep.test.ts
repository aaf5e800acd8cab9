/** Soaks over fakes that go on for longer: until every process was upgraded, or faults were often open together. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readCsv } from '../../src/results/csv.ts';
import { kindsOf } from '../guarantee/fault-kinds.ts';
import { fakeBuild } from './testing/fake-run.ts';
import { run, runJson } from './testing/run-fakes.ts';

test.serial('every process is upgraded, and one that refuses to go back goes on by the newer build', async (t) => {
  const launch = fakeBuild({ broker: { when: 'restart', what: 'exit 2' } });
  const { folder, verdict } = await run(
    t,
    {},
    {
      options: { faults: ['upgrade'], durationMs: 6_000, faultIntervalMs: 650 },
      dependencies: { older: { launch, commit: null } },
    },
  );
  t.is(verdict, 'HOLDS');
  const faults = readCsv(join(folder, 'faults.csv'));
  const evidenceOf = (kind: string): string => faults.find((row) => row['kind'] === kind)?.['evidence'] ?? '';
  for (const kind of kindsOf(['upgrade'], { summers: 2 })) t.not(evidenceOf(kind), '', kind);
  t.regex(
    evidenceOf('upgrade-summer'),
    /^(?:exit 0 of pid \d+, which ran the older build, pid \d+ runs the newer build(?:; )?){2}, each is/,
  );
  t.regex(
    evidenceOf('downgrade-summer'),
    /^exit 0 of pid \d+, which ran the newer build, pid \d+ runs the older build, each is ready/,
  );
  t.regex(
    evidenceOf('downgrade-broker'),
    /, pid \d+ refused with exit 2: planted exit 2, pid \d+ runs the newer build/,
  );
  t.is(Object(runJson(folder)['configuration'])['upgradeFromCommit'], null);
});

// Its steady phase, a tenth of it, is long enough for a report of each fake on a machine that does other work.
test.serial('faults that are open together are told by the run, its table and its screen', async (t) => {
  const options = { faults: ['kill', 'pause'], faultsAtOnce: 2, durationMs: 12_000, faultIntervalMs: 700 } as const;
  const { folder, verdict, reasons } = await run(t, {}, { options });
  t.is(verdict, 'HOLDS', reasons);
  const counts = Object.values(Object(runJson(folder)['overlaps'])).map(Number);
  const pairs = counts.reduce((sum, count) => sum + count, 0);
  t.true(pairs > 0);
  const faults = readCsv(join(folder, 'faults.csv'));
  const others = faults.flatMap(({ id, overlaps = '' }) => overlaps.split(' ').map((other) => [id, other]));
  const open = others.filter(([, other]) => other !== '');
  for (const [id, other] of open) t.true(open.some(([one, another]) => one === other && another === id));
  // A kill counts as over when its process is ready, which the injector hears a moment later.
  t.true(open.length >= 2 * pairs, `${open.length} of ${pairs}`);
});

test.serial('the same data folder serves for another run', async (t) => {
  const { folder, verdict } = await run(t, {}, {});
  t.is(verdict, 'HOLDS');
  const data = join(folder, 'data');
  t.is((await run(t, {}, { options: { data, durationMs: 2_000 } })).verdict, 'HOLDS');
  t.true(existsSync(join(data, 'broker')));
});

test.serial('every kind of kill hits, heals and recovers, and sums are counted across the restarts', async (t) => {
  const { folder, verdict } = await run(t, {}, { options: { faults: ['kill'], durationMs: 4_000 } });
  t.is(verdict, 'HOLDS');
  const faults = readCsv(join(folder, 'faults.csv'));
  for (const kind of kindsOf(['kill'], { summers: 2 }))
    t.true(
      faults.some((row) => row['kind'] === kind),
      kind,
    );
  for (const row of faults) {
    const moments = ['planned_s', 'injected_s', 'proven_s', 'healed_s', 'recovered_s'].map((name) => Number(row[name]));
    t.true(moments.every((moment) => moment > 0));
    t.true(Number(row['proven_s']) >= Number(row['injected_s']) && Number(row['healed_s']) >= Number(row['proven_s']));
    t.regex(row['evidence'] ?? '', /^exit signal SIGKILL of pids? [\d ]+, ready again as pids? [\d ]+$/);
  }
  const verified = readCsv(join(folder, 'intervals.csv')).reduce((sum, row) => sum + Number(row['sums_verified']), 0);
  const durable = ['chunker-0', 'chunker-1'].map((name) =>
    readFileSync(join(folder, 'data', name, 'verified'), 'utf8'),
  );
  t.is(verified, Number(durable[0]) + Number(durable[1]));
  const latency = readCsv(join(folder, 'latency.csv')).filter((row) => row['stage'] === 'sum');
  const counted = latency.reduce((sum, row) => sum + Number(row['count']) + Number(row['censored']), 0);
  t.is(counted, verified);
});
