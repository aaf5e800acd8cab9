/** EVIDENCE.md names only sabotages and mutants that exist, and each sabotage. */

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

/** What the lines `Planted by` name in backticks: sabotages and mutants. */
function namedByEvidence(): string[] {
  const planted = [...readFileSync(EVIDENCE, 'utf8').matchAll(/^- Planted by: (.*(?:\n {2}.*)*)/gm)].map(
    ([, text = '']) => text,
  );
  return planted.flatMap((text) => [...text.matchAll(/`([\w*-]+-[\w*-]+)`/g)].map(([, name = '']) => name));
}

test('every sabotage and mutant that the evidence names exists', (t) => {
  const named = namedByEvidence();
  t.true(named.length > 40, `${named.length} names`);
  for (const name of named)
    t.true(isKnown(name), `soak/EVIDENCE.md names ${name}, and no sabotage or mutant has that name`);
  t.false(isKnown('a-sabotage-that-nobody-wrote-*'));
});

test('every sabotage takes away a credit that the evidence has an entry of', (t) => {
  const patterns = namedByEvidence().map((name) => new RegExp(`^${name.replaceAll('*', '.*')}$`));
  // What is withheld from a soak is what is withheld from a simulation, by the same name.
  const live = liveSabotages().filter(({ name }) => !name.includes('withheld'));
  for (const { name } of [...SABOTAGES, ...live]) {
    const isNamed = patterns.some((pattern) => pattern.test(name));
    t.true(isNamed, `no "Planted by" of soak/EVIDENCE.md names ${name}`);
  }
});
