/**
 * Runs each example of the hashing API in docs/library.md, unchanged, in a separate process. The README repeats one of
 * them.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

const ROOT = join(import.meta.dirname, '../../..');

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The output of the example that imports each class. */
const PRINTED: Readonly<Record<string, string>> = {
  Sha256: digest('exactly once'),
  HashPool: `1 ${digest('hello')}`,
  SlotPool: `${digest('abc')} ${digest('de')}`,
};

function examplesOf(document: string): string[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return Array.from(text.matchAll(/^```js\n(?<code>.*?)^```$/gms), (match) => match.groups?.['code'] ?? '');
}

test('docs/library.md has one example of each class, which prints what it says', (t) => {
  const examples = examplesOf('docs/library.md');
  t.is(examples.length, Object.keys(PRINTED).length);
  for (const [name, printed] of Object.entries(PRINTED)) {
    const example = examples.find((code) => code.includes(`import { ${name}`)) ?? '';
    // From the package's own folder, so that `stream-sum` is resolved by its exports.
    const argv = ['--input-type=module', '-e', example];
    t.is(execFileSync(process.execPath, argv, { cwd: ROOT, encoding: 'utf8' }), `${printed}\n`, name);
  }
});

test('the example of the README is one of those', (t) => {
  const [example, ...others] = examplesOf('README.md');
  t.deepEqual(others, []);
  t.true(example !== undefined && examplesOf('docs/library.md').includes(example));
});
