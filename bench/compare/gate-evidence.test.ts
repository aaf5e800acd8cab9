/** What counts as known for a gate, and on which machine, on run folders on disk. */

import test from 'ava';
import { assert } from '../../src/core/assert.ts';
import { EXIT } from '../../src/core/errors.ts';
import type { RunFile } from '../../src/results/run-folder.ts';
import { AGAIN, judge, pair, refused, SAME, SLOWER } from './testing/judging.ts';
import { noisyRows, type RunSpecification, UNDISTURBED } from './testing/run-folders.ts';

function noisy(seed: number, factor: number): RunSpecification {
  return {
    samples: [
      ...noisyRows({ seed, noise: 0.5 }),
      ...noisyRows({ seed: seed + 50, factors: { chunks_per_s: factor } })
        .filter(({ metric }) => metric === 'chunks_per_s')
        .map((sample) => ({ ...sample, parameters: 'chunk_bytes=32' })),
    ],
    run: { pairing: 'a' },
  };
}

test('an unrelated improvement does not make up for rows that nothing is known of', async (t) => {
  for (const factor of [1, 2]) {
    const [old, next] = await pair(t, noisy(1, 1), noisy(2, factor));
    const { gate, comparison } = judge([old], [next]);
    t.is(comparison.rows.filter(({ verdict }) => verdict === 'better').length, factor - 1);
    refused(t, gate, new RegExp(`^${factor - 1} of 6 rows are known not to be worse: not `));
  }
});

const NEVER = 'pipeline throughput chunk_bytes=1024: never steady: 1.2 times as many were verified';

function remarked(...remarks: readonly string[]): Partial<RunFile> {
  return { pairing: 'a', remarks };
}

test('rounds that say they are no evidence count for nothing, and no gate takes the row as known', async (t) => {
  for (const [side, remark, verdict, count] of [
    ['old', NEVER, 'not trusted', 10],
    ['new', NEVER, 'not trusted', 10],
    ['new', `${NEVER} (round 3, 4)`, 'same', 8],
    ['new', 'pipeline: 1 tasks never steady in 6 rounds of warm-up: throughput chunk_bytes=1024', 'not trusted', 10],
    ['new', 'pipeline throughput chunk_bytes=1024: not to be trusted: the schedule lagged (round 9)', 'same', 9],
  ] as const) {
    const [old, next] = await pair(
      t,
      { ...SAME, run: side === 'old' ? remarked(remark) : remarked() },
      { ...AGAIN, run: side === 'new' ? remarked(remark) : remarked() },
    );
    const { gate, allowed, comparison } = judge([old], [next]);
    t.deepEqual([...new Set(comparison.rows.map((row) => row.verdict))], [verdict], remark);
    t.is(comparison.rows[0]?.[side === 'old' ? 'oldCount' : 'newCount'], count);
    refused(t, gate, side === 'old' ? /there is no row that OLD could judge/ : /0 of 5 rows are known not to be worse/);
    t.is(allowed.exitCode, EXIT.inconclusive);
  }
  const [old, slower] = await pair(t, SAME, { ...SLOWER, run: remarked(NEVER) });
  refused(t, judge([old], [slower]).gate, /0 of 5 rows are known/);
});

test('figures that cannot be are refused, and named with their rounds', async (t) => {
  const all = AGAIN.samples.map((sample) =>
    sample.metric === 'cpu_s_per_million_chunks'
      ? { ...sample, parameters: `${sample.parameters} process=all` }
      : sample,
  );
  const impossible = all.map((sample) =>
    sample.metric === 'chunks_per_s' && sample.round <= 2 ? { ...sample, value: 320_000 } : sample,
  );
  const [old, next] = await pair(t, { ...SAME, samples: all }, { ...AGAIN, samples: impossible });
  refused(
    t,
    judge([old], [next]).gate,
    /throughput chunk_bytes=1024 in rounds 1, 2: 2\.\d\d CPU-seconds a second on 2 cores/,
  );
});

test('two processors of one name are two machines, and so are two settings of a system', async (t) => {
  const { environment } = UNDISTURBED;
  const { processor, system } = environment;
  assert(processor !== undefined && system !== undefined, 'a run of today says both');
  for (const [changes, named] of [
    [
      { processor: { ...processor, family: '25', model: '17' } },
      /environment\.processor\.family, environment\.processor\.model/,
    ],
    [{ processor: { ...processor, microcode: '0x1' } }, /environment\.processor\.microcode/],
    [{ processor: { ...processor, frequencyMHz: 4000 } }, /environment\.processor\.frequencyMHz/],
    [{ processor: { ...processor, hypervisor: 'none' } }, /environment\.processor\.hypervisor/],
    [{ system: { ...system, filesystemOptions: 'rw,noatime' } }, /environment\.system\.filesystemOptions/],
    [{ system: { ...system, diskCache: 'write back' } }, /environment\.system\.diskCache/],
    [{ system: { ...system, cpuLimit: 1.5 } }, /environment\.system\.cpuLimit/],
    [{ system: { ...system, mitigations: {} } }, /environment\.system\.mitigations\.spectre_v2/],
    [{ v8: '14' }, /environment\.v8/],
  ] as const) {
    const run = { pairing: 'a', environment: { ...environment, ...changes } };
    const [old, next] = await pair(t, SAME, { ...AGAIN, run });
    refused(t, judge([old], [next]).gate, named);
  }
});

test('other load, and another frequency of the moment, is no other machine', async (t) => {
  const { environment } = UNDISTURBED;
  const { processor, system } = environment;
  assert(processor !== undefined && system !== undefined, 'a run of today says both');
  const changes = { processor: { ...processor, frequencyMHz: 2610 }, system: { ...system, loadAtStart: 9 } };
  const [old, next] = await pair(t, SAME, {
    ...AGAIN,
    run: { pairing: 'a', environment: { ...environment, ...changes } },
  });
  t.deepEqual(judge([old], [next]).comparison.differences, []);
});

/** The run.json of a run from before processors were told apart. */
function recordedOnce(pairing: string | null): Partial<RunFile> {
  const { processor: _, system: __, v8: ___, ...environment } = UNDISTURBED.environment;
  return { pairing, environment };
}

test('runs that do not say their processor are of one machine only when they are pairs', async (t) => {
  const [old, next] = await pair(t, { ...SAME, run: recordedOnce('a') }, { ...AGAIN, run: recordedOnce('a') });
  const paired = judge([old], [next]);
  t.is(paired.gate.exitCode, EXIT.holds, paired.gate.reasons.join('\n'));
  t.true(
    paired.comparison.notes.some((note) => /no run says .*environment\.processor, environment\.system/.test(note)),
  );
  const [alone, other] = await pair(t, { ...SAME, run: recordedOnce(null) }, { ...AGAIN, run: recordedOnce(null) });
  refused(t, judge([alone], [other], true).gate, /differ in environment\.processor/);
  const [, today] = await pair(t, SAME, { ...AGAIN, run: { pairing: null } });
  refused(t, judge([alone], [today], true).gate, /environment\.processor, environment\.system/);
});
