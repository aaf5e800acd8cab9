import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ManualClock } from '../../src/core/testing/manual-clock.ts';
import type { ChunkerProgress, ChunkerReady } from '../../src/component/protocol.ts';
import type { Fleet } from '../../src/fleet/fleet.ts';
import { Meter } from '../../src/fleet/meter.ts';
import { SoakFiles } from './soak-files.ts';
import { Sampler } from './sampler.ts';

const READY: ChunkerReady = {
  event: 'ready',
  component: 'chunker',
  pid: 1,
  producer: 'aa00000000000000',
  chunkerNumber: 0,
  resumed: false,
  verifiedTotal: 0,
};

function progressAt(chunks: number): ChunkerProgress {
  return {
    event: 'progress',
    component: 'chunker',
    verifiedTotal: 0,
    chunksVerified: 0,
    bytesVerified: 0,
    chunks,
    bytes: chunks * 10,
    filesOpen: 1,
    sumsOutstanding: 0,
    scheduleLagNsP99: 0,
    latency: null,
    acknowledgement: null,
  } as ChunkerProgress;
}

function bench(t: ExecutionContext): { clock: ManualClock; meter: Meter; sampler: Sampler } {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-sampler-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const clock = new ManualClock();
  const meter = new Meter();
  meter.onReady('chunker-0', READY);
  const startNs = clock.nowNs();
  const sampler = new Sampler({
    fleet: { refresh: () => Promise.resolve(), processes: [] } as unknown as Fleet,
    meter,
    files: new SoakFiles(folder, { startNs, processes: [] }),
    clock,
    dataFolder: folder,
    startNs,
    violationCount: () => 0,
  });
  return { clock, meter, sampler };
}

test('no rate is shown of less than a reporting period, however much arrives in it', async (t) => {
  const { clock, meter, sampler } = bench(t);
  await clock.advance(100);
  meter.onProgress('chunker-0', progressAt(500));
  t.is((await sampler.sample()).chunksPerSecond, null);
  await clock.advance(900);
  meter.onProgress('chunker-0', progressAt(1_000));
  const { chunksPerSecond, bytesPerSecond } = await sampler.sample();
  t.is(chunksPerSecond, 1_000);
  t.is(bytesPerSecond, 10_000);
  // A phase ends, and the earlier counts of a busy process arrive just after it.
  await sampler.enter('steady');
  await clock.advance(10);
  meter.onProgress('chunker-0', progressAt(2_000));
  t.is((await sampler.sample()).chunksPerSecond, 1_000, 'the rate before');
  await clock.advance(1_990);
  meter.onProgress('chunker-0', progressAt(3_000));
  t.is((await sampler.sample()).chunksPerSecond, 1_000, 'over the two seconds since');
});
