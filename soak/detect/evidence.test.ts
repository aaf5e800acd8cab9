/** EVIDENCE.md names only things that can be planted: every sabotage and mutant that it names exists. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { MUTANTS } from '../simulation/mutants/index.ts';
import { SABOTAGES } from '../simulation/sabotages/sabotages.ts';
import { liveSabotages } from './live-experiments.ts';

const EVIDENCE = join(import.meta.dirname, '..', '..', '..', 'soak', 'EVIDENCE.md');
const NAMES = [...MUTANTS, ...SABOTAGES, ...liveSabotages()].map(({ name }) => name);

/** A star stands for any rest of a name. */
function isKnown(name: string): boolean {
  const pattern = new RegExp(`^${name.replaceAll('*', '.*')}$`);
  return NAMES.some((known) => pattern.test(known));
}

test('every sabotage and mutant that the evidence names exists', (t) => {
  const planted = [...readFileSync(EVIDENCE, 'utf8').matchAll(/^- Planted by: (.*(?:\n {2}.*)*)/gm)].map(
    ([, text = '']) => text,
  );
  const named = planted.flatMap((text) => [...text.matchAll(/`([\w*-]+-[\w*-]+)`/g)].map(([, name = '']) => name));
  t.true(named.length > 40, `${named.length} names`);
  for (const name of named) t.true(isKnown(name), name);
  t.false(isKnown('a-sabotage-that-nobody-wrote-*'));
  // And conversely: each sabotage of the soak's own harness removes a credit that has an entry.
  const patterns = named.map((name) => new RegExp(`^${name.replaceAll('*', '.*')}$`));
  const live = liveSabotages().filter(({ name }) => !name.includes('withheld'));
  for (const { name } of live)
    t.true(
      patterns.some((pattern) => pattern.test(name)),
      `${name} has no entry`,
    );
});
