// The examples of the hashing API in the README, each run as it stands in a process of its own.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

const ROOT = join(import.meta.dirname, '../../..');

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What the example that imports each class prints. */
const PRINTED: Readonly<Record<string, string>> = {
  Sha256: digest('exactly once'),
  HashPool: `1 ${digest('hello')}`,
  SlotPool: `${digest('abc')} ${digest('de')}`,
};

test('the README has one example of each class, which prints what it says', (t) => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const examples = Array.from(readme.matchAll(/^```js\n(?<code>.*?)^```$/gms), (match) => match.groups?.['code'] ?? '');
  t.is(examples.length, Object.keys(PRINTED).length);
  for (const [name, printed] of Object.entries(PRINTED)) {
    const example = examples.find((code) => code.includes(`import { ${name}`)) ?? '';
    // From the package's own folder, so that `stream-sum` is resolved by its exports.
    const argv = ['--input-type=module', '-e', example];
    t.is(execFileSync(process.execPath, argv, { cwd: ROOT, encoding: 'utf8' }), `${printed}\n`, name);
  }
});
