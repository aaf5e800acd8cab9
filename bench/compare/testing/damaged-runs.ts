/** Run folders in which one byte was changed, lost or doubled, or of which a file was cut. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { EXIT } from '../../../src/core/errors.ts';
import { AGAIN, judge, pair, SAME } from './judging.ts';

const LATENCY = [{ phase: 'steady', stage: 'sum', censored: 1, latenciesNs: [1e6, 2e6, 3e6] }];

const DAMAGE = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), mask: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constantFrom('cut' as const, 'lose' as const, 'double' as const), at: fc.nat() }),
);
type Damage = typeof DAMAGE extends fc.Arbitrary<infer T> ? T : never;

function damaged(bytes: Buffer, damage: Damage): Buffer {
  const at = damage.at % bytes.length;
  const [before, byte, after] = [bytes.subarray(0, at), bytes.subarray(at, at + 1), bytes.subarray(at + 1)];
  switch (damage.kind) {
    case 'flip':
      return Buffer.concat([before, Buffer.of((byte[0] ?? 0) ^ damage.mask), after]);
    case 'cut':
      return Buffer.from(before);
    case 'lose':
      return Buffer.concat([before, after]);
    case 'double':
      return Buffer.concat([before, byte, byte, after]);
    default:
      return damage satisfies never;
  }
}

/** Of so many damages each one is noticed by the comparison, or nothing changes. */
export async function damageIsNoticed(t: ExecutionContext, numRuns: number): Promise<void> {
  const [old, next] = await pair(t, { ...SAME, latency: LATENCY }, { ...AGAIN, latency: LATENCY });
  const whole = judge([old], [next]);
  t.is(whole.gate.exitCode, EXIT.holds, whole.gate.reasons.join('\n'));
  const files = new Map(
    [old, next].flatMap((folder) =>
      ['samples.csv', 'latency.csv', 'run.json'].map((name) => [join(folder, name), readFileSync(join(folder, name))]),
    ),
  );
  const noticed: string[] = [];
  fc.assert(
    fc.property(fc.constantFrom(...files.keys()), DAMAGE, (path, damage) => {
      const bytes = files.get(path) ?? Buffer.of();
      writeFileSync(path, damaged(bytes, damage));
      try {
        const { gate, allowed, comparison } = judge([old], [next]);
        if (allowed.exitCode === EXIT.inconclusive && comparison.problems.length > 0) {
          noticed.push(path);
          t.not(gate.exitCode, EXIT.holds);
        } else t.deepEqual(comparison, whole.comparison);
      } finally {
        writeFileSync(path, bytes);
      }
    }),
    { numRuns },
  );
  t.is(new Set(noticed).size, files.size, 'each file was damaged so that it counts');
}
