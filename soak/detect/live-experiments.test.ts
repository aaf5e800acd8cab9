/** One sabotage over fake processes. `live-experiments.deep.test.ts` has all, and those over real processes. */

import test from 'ava';
import { SABOTAGES } from '../simulation/sabotages/sabotages.ts';
import { liveSabotages } from './live-experiments.ts';
import { REAL_PARTS, liveSabotagesAreNamed } from './testing/live-trials.ts';

test('there are 16 sabotages of the live harness and more, with names that no other sabotage has', (t) => {
  const names = [...liveSabotages(), ...SABOTAGES].map(({ name }) => name);
  t.is(new Set(names).size, names.length);
  t.true(liveSabotages().length >= 16);
  for (const { name } of liveSabotages()) t.regex(name, /^live-[a-z]+(?:-[a-z]+)*$/);
});

test('every sabotage over real processes belongs to one part of the deep test, so that it is run', (t) => {
  for (const { name } of liveSabotages().filter(({ over }) => over === 'real')) {
    const parts = Object.entries(REAL_PARTS).filter(([, pattern]) => pattern.test(name));
    t.is(parts.length, 1, `${name} is in ${parts.length} of REAL_PARTS in soak/detect/testing/live-trials.ts`);
  }
});

test.serial('a violation that nobody hears, of fake processes, does not end in HOLDS and is named', (t) =>
  liveSabotagesAreNamed(t, (name) => name === 'live-violations-never-heard', false),
);
