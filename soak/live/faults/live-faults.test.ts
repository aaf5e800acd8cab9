import test from 'ava';
import { temporaryFolder } from '../../../src/cli/testing/test-process.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { Fleet } from '../../../src/fleet/fleet.ts';
import type { LiveFamily } from '../../guarantee/fault-kinds.ts';
import { LiveFaults } from './live-faults.ts';
import { SumGaps } from './sum-gaps.ts';

/** A fleet without processes. */
class CountingFleet extends Fleet {
  prepared = 0;

  override preparePauses(): void {
    this.prepared += 1;
    super.preparePauses();
  }
}

for (const [family, prepared] of [
  ['pause', 1],
  ['takeover', 1],
  ['kill', 0],
] as const) {
  test(`what stops processes is started with the faults: ${prepared} times where they are of ${family}`, async (t) => {
    const folder = temporaryFolder(t);
    const fleet = new CountingFleet({
      specs: [],
      launch: { command: process.execPath, argv: [] },
      logsFolder: folder,
      clock: systemClock,
      listener: { onEvent: () => undefined, onPlannedEnd: () => undefined, onFailure: ({ what }) => t.fail(what) },
    });
    t.teardown(() => fleet.abandon(true));
    const families: readonly LiveFamily[] = [family];
    const shape = { partitions: 1, summers: 1, chunkers: 1, isFollowed: false };
    const faults = new LiveFaults({
      options: { ...shape, seed: 1, faults: families, faultIntervalMs: 1_000, faultPlan: null, slaMs: 30_000 },
      fleet,
      clock: systemClock,
      dataFolder: folder,
      endpoint: 'none',
      producerOf: () => null,
      onRetired: () => undefined,
      onUnfinished: () => undefined,
      builds: null,
      links: null,
      pages: null,
      record: () => undefined,
      gaps: new SumGaps(),
      onSettled: () => undefined,
      decorations: { schedule: () => [] },
    });
    t.is(fleet.prepared, 0);
    t.is(await faults.inject(1_000, new AbortController().signal), null);
    t.is(fleet.prepared, prepared);
  });
}
