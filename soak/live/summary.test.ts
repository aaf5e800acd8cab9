import test from 'ava';
import { samplesOf } from './summary.ts';
import { PARTS } from './testing/told-run.ts';

test('samples come from the steady phase; what was not measured is missing and not 0', (t) => {
  const samples = samplesOf(PARTS);
  const value = (metric: string): unknown => samples.find((sample) => sample.metric === metric)?.value;
  t.is(value('chunks_per_s'), 19_900);
  t.is(value('chunks_published_per_s'), 20_000);
  t.is(value('cpu_s_per_million_chunks'), 10);
  t.is(value('acknowledgement_latency_p50_s'), null);
  const recovery = samples.filter((sample) => sample.metric === 'recovery_median_s');
  t.deepEqual(
    recovery.map((sample) => [sample.parameters.split(' ').at(-1), Math.round((sample.value ?? -1) * 10)]),
    [
      ['fault=kill-broker', 5],
      ['fault=kill-summer', -10],
    ],
  );
});
