import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { MUTANTS } from '../../simulation/mutants/index.ts';
import { realMutantsAreCaught } from '../testing/real-trials.ts';
import { PLACES } from './hooks.ts';
import { REAL_MUTANTS } from './real-mutants.ts';

const DIST = join(import.meta.dirname, '..', '..', '..');

test('at least 15 bugs of the simulation run in real processes, each once', (t) => {
  const names = REAL_MUTANTS.map(({ name }) => name);
  t.true(names.length >= 15);
  t.is(new Set(names).size, names.length);
  for (const name of names)
    t.true(
      MUTANTS.some((mutant) => mutant.name === name),
      name,
    );
});

test('every place at which a component is composed is where the hooks look for it', (t) => {
  for (const { module, by, instead } of PLACES) {
    t.true(existsSync(join(DIST, module)), module);
    t.true(existsSync(join(import.meta.dirname, instead)), instead);
    const name = module.slice(module.lastIndexOf('/') + 1);
    t.true(readFileSync(join(DIST, by), 'utf8').includes(`/${name}`), `${by} imports ${name}`);
  }
});

test.serial('a bug in a real process is found after its effect, rightly named, and found again by an audit', (t) =>
  realMutantsAreCaught(t, ['sum-with-a-wrong-length']),
);
