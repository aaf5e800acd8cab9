import test from 'ava';
import { SABOTAGES } from '../simulation/sabotages/sabotages.ts';
import { liveSabotages } from './live-experiments.ts';
import { liveSabotagesAreNamed } from './testing/live-trials.ts';

test('there are 16 sabotages of the live harness and more, with names that no other sabotage has', (t) => {
  const names = [...liveSabotages(), ...SABOTAGES].map(({ name }) => name);
  t.is(new Set(names).size, names.length);
  t.true(liveSabotages().length >= 16);
  for (const { name } of liveSabotages()) t.regex(name, /^live-[a-z]+(?:-[a-z]+)*$/);
});

test.serial('a kill that does nothing, over fake processes, does not end in HOLDS and is named', (t) =>
  liveSabotagesAreNamed(t, (name) => name === 'live-kills-that-do-nothing', false),
);

test.serial('an auditor that skips batches of real processes does not end in HOLDS and is named', (t) =>
  liveSabotagesAreNamed(t, (name) => name === 'live-auditor-that-skips-batches', true),
);

test.serial('a page of moments that stands still, of real processes, does not end in HOLDS and is named', (t) =>
  liveSabotagesAreNamed(t, (name) => name === 'live-pages-of-moments-that-stand-still', true),
);
