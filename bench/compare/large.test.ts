/** Tables of many rows and rounds, in processes with little memory: what is needed grows with the rows, not with their pairs. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { EXIT } from '../../src/core/errors.ts';
import { Prng } from '../../src/core/prng.ts';
import { writeRunFile } from '../../src/results/run-folder.ts';
import { temporaryFolder, UNDISTURBED } from './testing/run-folders.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const HEADER = 'suite,benchmark,parameters,metric,unit,better,round,value\n';

type Shape = { readonly rows: number; readonly rounds: number };

function table({ rows, rounds }: Shape, seed: number): string {
  const prng = Prng.fromSeed(seed);
  const lines = [HEADER];
  for (let row = 0; row < rows; row += 1) {
    for (let round = 1; round <= rounds; round += 1) {
      lines.push(`m,b,row=${row},time_s,s,lower,${round},${1 + prng.below(1_000_000) / 1e8}\n`);
    }
  }
  return lines.join('');
}

function compare(heapMib: number, ...argv: readonly string[]): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve) => {
    const command = [`--max-old-space-size=${heapMib}`, MAIN, 'compare', ...argv];
    execFile(process.execPath, command, { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout: stdout + stderr });
    });
  });
}

for (const [shape, heapMib] of [
  [{ rows: 1, rounds: 200_000 }, 320],
  [{ rows: 50_000, rounds: 1 }, 400],
  [{ rows: 300, rounds: 300 }, 256],
] as const) {
  test(`${shape.rows} rows of ${shape.rounds} rounds are compared within ${heapMib} MiB`, async (t) => {
    const results = temporaryFolder(t);
    const paths = [1, 2].map((seed) => join(results, `${seed}.csv`));
    for (const [index, path] of paths.entries()) writeFileSync(path, table(shape, index));
    const { code, stdout } = await compare(heapMib, ...paths);
    t.is(code, EXIT.holds, stdout.slice(-500));
    t.regex(stdout, new RegExp(`\n${shape.rows} rows: ${shape.rows} (~|n too small)\n$`));
  });
}

test('1,000 interleaved rounds of 50 rows are compared within 256 MiB', async (t) => {
  const results = temporaryFolder(t);
  const folders = await Promise.all(
    ['old', 'new'].map(async (name, index) => {
      const folder = join(results, name);
      mkdirSync(folder);
      const text = table({ rows: 50, rounds: 1000 }, index);
      writeFileSync(join(folder, 'samples.csv'), text);
      const digests = { 'samples.csv': createHash('sha256').update(text).digest('hex') };
      await writeRunFile(folder, { ...UNDISTURBED, pairing: 'a', digests });
      return folder;
    }),
  );
  const { code, stdout } = await compare(256, ...folders, '--gate');
  t.is(code, EXIT.holds, stdout.slice(-500));
  t.regex(stdout, /gate: passed: 50 of 50 rows are known not to be worse\n$/);
});
