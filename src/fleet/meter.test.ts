import test from 'ava';
import type { ChunkerProgress, ChunkerReady } from '../component/protocol.ts';
import { LatencyHistogram } from '../measure/histogram.ts';
import { Meter } from './meter.ts';

const READY: ChunkerReady = {
  event: 'ready',
  component: 'chunker',
  pid: 1,
  producer: '00000000000000aa',
  chunkerNumber: 0,
  resumed: false,
  verifiedTotal: 100,
};

function samples(count: number): string | null {
  const histogram = new LatencyHistogram();
  for (let index = 0; index < count; index += 1) histogram.record(1e6);
  return histogram.encode();
}

function progress(change: Partial<ChunkerProgress>): ChunkerProgress {
  return {
    event: 'progress',
    component: 'chunker',
    chunks: 0,
    bytes: 0,
    filesCompleted: 0,
    sumsVerified: 0,
    chunksVerified: 0,
    bytesVerified: 0,
    filesOpen: 0,
    sumsOutstanding: 0,
    scheduleLagNsP99: 0,
    verifiedTotal: 100,
    latency: null,
    acknowledgement: null,
    ...change,
  };
}

test('counts go on over a restart, and what an earlier run verified is not counted', (t) => {
  const meter = new Meter();
  meter.onReady('chunker-0', READY);
  meter.onProgress('chunker-0', progress({ chunks: 50, chunksVerified: 40, verifiedTotal: 110, latency: samples(10) }));
  meter.onReady('chunker-0', { ...READY, verifiedTotal: 112 });
  meter.onProgress('chunker-0', progress({ chunks: 5, chunksVerified: 4, verifiedTotal: 113, latency: samples(1) }));
  const totals = meter.totals();
  t.is(totals.chunksPublished, 55);
  t.is(totals.chunksVerified, 44);
  t.is(totals.sumsVerified, 13);
  t.is(meter.phase.sum.count, 11);
  t.is(meter.phase.censoredSums, 2);
});

test('a sum that was sampled but not yet durable when its chunker died is not censored', (t) => {
  const meter = new Meter();
  meter.onReady('chunker-0', READY);
  meter.onProgress('chunker-0', progress({ verifiedTotal: 105, latency: samples(10) }));
  t.is(meter.onReady('chunker-0', { ...READY, verifiedTotal: 105 }), null);
  t.is(meter.phase.censoredSums, 0);
});

test('what was durable and is gone after a restart is told, and so is another producer', (t) => {
  const meter = new Meter();
  meter.onReady('chunker-0', READY);
  meter.onProgress('chunker-0', progress({ verifiedTotal: 110 }));
  t.regex(meter.onReady('chunker-0', { ...READY, verifiedTotal: 109 })?.detail ?? '', /^110 files .* 109 after/);
  const other = meter.onReady('chunker-0', { ...READY, producer: '00000000000000bb', verifiedTotal: 200 });
  t.regex(other?.detail ?? '', /00000000000000aa came back as 00000000000000bb/);
});

test('what a retired chunker has done stays counted, and another one comes under its name', (t) => {
  const meter = new Meter();
  meter.onReady('chunker-0', READY);
  const seen = { chunks: 50, bytes: 500, chunksVerified: 40, bytesVerified: 400, verifiedTotal: 110 };
  meter.onProgress('chunker-0', progress({ ...seen, latency: samples(7), filesOpen: 4, sumsOutstanding: 5 }));
  meter.retire('chunker-0');
  t.is(meter.producerOf('chunker-0'), null);
  t.like(meter.totals(), {
    chunksPublished: 50,
    bytesPublished: 500,
    sumsVerified: 10,
    filesOpen: 0,
    sumsOutstanding: 0,
  });
  // Three verified sums have no sample, and five will not be verified by anybody.
  t.is(meter.phase.censoredSums, 8);
  t.is(meter.onReady('chunker-0', { ...READY, producer: '00000000000000bb', verifiedTotal: 0 }), null);
  meter.onProgress(
    'chunker-0',
    progress({ chunks: 5, bytes: 50, chunksVerified: 4, bytesVerified: 40, verifiedTotal: 3 }),
  );
  t.deepEqual(meter.totals(), {
    chunksPublished: 55,
    bytesPublished: 550,
    chunksFolded: 0,
    sumsVerified: 13,
    chunksVerified: 44,
    bytesVerified: 440,
    filesOpen: 0,
    sumsOutstanding: 0,
  });
  meter.retire('chunker-9');
});

test('the deltas of all chunkers merge into the interval and the phase', (t) => {
  const meter = new Meter();
  for (const name of ['chunker-0', 'chunker-1']) {
    meter.onReady(name, READY);
    meter.onProgress(name, progress({ latency: samples(3), acknowledgement: samples(2), filesOpen: 4 }));
  }
  t.is(meter.interval.sum.count, 6);
  t.is(meter.phase.acknowledgement.count, 4);
  t.is(meter.totals().filesOpen, 8);
  meter.interval.reset();
  t.is(meter.interval.sum.count, 0);
  t.is(meter.phase.sum.count, 6);
});

test('files that were never verified count as censored', (t) => {
  const meter = new Meter();
  meter.onReady('chunker-0', READY);
  meter.onProgress('chunker-0', progress({ sumsOutstanding: 7, verifiedTotal: 103, latency: samples(3) }));
  meter.censorUnfinished('chunker-0');
  t.is(meter.phase.censoredSums, 7);
  meter.onDrained('chunker-0', { event: 'drained', verifiedTotal: 104, filesCompletedTotal: 106 });
  t.is(meter.phase.censoredSums, 7 + 1 + 2);
  t.is(meter.totals().sumsOutstanding, 0);
});

test("a summer's count goes on over its restart", (t) => {
  const meter = new Meter();
  const folded = (chunksFolded: number): void =>
    meter.onProgress('summer-0', {
      event: 'progress',
      component: 'summer',
      chunksFolded,
      bytesFolded: 0,
      commits: 0,
      filesOpen: 0,
      sumsPublished: 0,
    });
  meter.onReady('summer-0', { event: 'ready', component: 'summer', pid: 1, shards: [0], epochs: [1] });
  folded(10);
  folded(20);
  meter.onReady('summer-0', { event: 'ready', component: 'summer', pid: 2, shards: [0], epochs: [1] });
  folded(5);
  t.is(meter.totals().chunksFolded, 25);
});
