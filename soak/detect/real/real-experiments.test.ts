import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { MUTANTS } from '../../simulation/mutants/index.ts';
import { PLACES } from './hooks.ts';
import { missOf } from './real-experiments.ts';
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

test('a run that shows less than a bug in effect, then found, rightly named and audited whole is a miss', (t) => {
  const verdict = { verdict: 'VIOLATED', exitCode: 10, reasons: ['planted'] } as const;
  const rechecked = { verdict, isAll: true, remarks: [], damages: [], part: '7 of 9 events', found: 1 };
  const right: Parameters<typeof missOf>[0] = {
    name: 'phantom-sum',
    signal: { process: 'broker', atNs: 1 },
    violation: { atNs: 2, process: 'exactly-once', kind: 'phantom', detail: 'planted' },
    audit: { disagreements: [], rechecked },
  };
  t.is(missOf(right), null);
  const wrong: readonly [Partial<typeof right>, RegExp][] = [
    [{ violation: null }, /^was not caught$/],
    [{ signal: null, violation: null }, /^did not take effect$/],
    [{ signal: null }, /^did not say that it took effect/],
    [{ signal: { process: 'broker', atNs: 2 } }, /^was found before it said that it took effect/],
    [{ name: 'bit-flipped-at-rest' }, /^was called phantom, and is corrupt/],
    [{ audit: { disagreements: ['planted'], rechecked } }, /^the audit disagrees: planted$/],
    [
      { audit: { disagreements: [], rechecked: { ...rechecked, isAll: false } } },
      /^was audited in 7 of 9 events only$/,
    ],
    [
      { audit: { disagreements: [], rechecked: { ...rechecked, verdict: { ...verdict, verdict: 'HOLDS' } } } },
      /^is HOLDS by the audit$/,
    ],
  ];
  for (const [change, message] of wrong) t.regex(missOf({ ...right, ...change }) ?? '', message);
});
