/** Tables of many rows and rounds, compared in processes with little memory. */

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { EXIT } from '../../../src/core/errors.ts';
import { Prng } from '../../../src/core/prng.ts';
import { temporaryFolder } from './run-folders.ts';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
const HEADER = 'suite,benchmark,parameters,metric,unit,better,round,value\n';

export type Shape = { readonly rows: number; readonly rounds: number };

export function table({ rows, rounds }: Shape, seed: number): string {
  const prng = Prng.fromSeed(seed);
  const lines = [HEADER];
  for (let row = 0; row < rows; row += 1) {
    for (let round = 1; round <= rounds; round += 1) {
      lines.push(`m,b,row=${row},time_s,s,lower,${round},${1 + prng.below(1_000_000) / 1e8}\n`);
    }
  }
  return lines.join('');
}

export function compare(heapMib: number, ...argv: readonly string[]): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve) => {
    const command = [`--max-old-space-size=${heapMib}`, MAIN, 'compare', ...argv];
    execFile(process.execPath, command, { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout: stdout + stderr });
    });
  });
}

/** Compares two random tables of this shape, and finds no change. */
export async function tablesAreCompared(t: ExecutionContext, shape: Shape, heapMib: number): Promise<void> {
  const results = temporaryFolder(t);
  const paths = [1, 2].map((seed) => join(results, `${seed}.csv`));
  for (const [index, path] of paths.entries()) writeFileSync(path, table(shape, index));
  const { code, stdout } = await compare(heapMib, ...paths);
  t.is(code, EXIT.holds, stdout.slice(-500));
  t.regex(stdout, new RegExp(`\n${shape.rows} rows: ${shape.rows} (~|n too small)\n$`));
}
