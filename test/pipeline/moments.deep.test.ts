import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { makeAudit } from '../../soak/live/audit/end-audit.ts';
import { runSoak } from '../../soak/live/run.ts';
import { fakeDependencies, fakeOptions } from '../../soak/live/testing/fake-run.ts';
import { connectJournals } from '../../src/cli/connection.ts';
import { MAIN } from '../../src/cli/testing/test-process.ts';
import { componentLaunch } from '../../src/fleet/component-process.ts';
import { BUSY_MOMENTS, MOMENTS_OF, isMoment } from '../../src/moments/moment.ts';
import type { SeenMoments } from '../../src/moments/page-layout.ts';
import { readCsv } from '../../src/results/csv.ts';

test.serial(
  'each component passes through its moments, and each kill and pause says at which one it hit',
  async (t) => {
    const results = mkdtempSync(join(tmpdir(), 'stream-sum-soak-'));
    t.teardown(() => rmSync(results, { recursive: true, force: true }));
    const said: string[] = [];
    /** By component and moment, the greatest number of times that a process had begun it. */
    const begun = new Map<string, number>();
    const moments = (_process: string, seen: SeenMoments | null): SeenMoments | null => {
      for (const [moment, count] of seen === null ? [] : Object.entries(seen.begun)) {
        const key = `${seen?.component} ${moment}`;
        begun.set(key, Math.max(begun.get(key) ?? 0, count));
      }
      return seen;
    };
    const options = fakeOptions(results, {
      durationMs: 12_000,
      seed: 5,
      faults: ['kill', 'pause'],
      faultIntervalMs: 800,
    });
    const { verdict, folder } = await runSoak(options, {
      ...fakeDependencies({}, said),
      audit: makeAudit((endpoint) => connectJournals(endpoint, 'audit')),
      launch: componentLaunch(MAIN),
      decorations: { moments },
    });
    t.is(verdict.verdict, 'HOLDS', said.join('\n'));
    for (const component of ['broker', 'summer', 'chunker'] as const) {
      for (const moment of BUSY_MOMENTS) {
        const times = begun.get(`${component} ${moment}`) ?? 0;
        t.is(times > 0, MOMENTS_OF[component][moment] !== undefined, `${component}, ${moment}: ${times}`);
      }
    }
    const faults = readCsv(join(folder, 'faults.csv'));
    t.true(faults.length > 0);
    for (const row of faults) {
      const hit = (row['moment'] ?? '').split('; ').map((one) => one.replace(/^[a-z0-9-]+: /, ''));
      for (const one of hit) t.true(one.split(' + ').every(isMoment), JSON.stringify(row));
      t.is(hit.length, (row['target'] ?? '').split(' ').length);
      t.true(isMoment(row['aim'] ?? ''), JSON.stringify(row));
    }
    const run: { moments: { aimed: number; unknown: number } } = JSON.parse(
      readFileSync(join(folder, 'run.json'), 'utf8'),
    );
    t.like(run.moments, { aimed: faults.length, unknown: 0 });
  },
);
