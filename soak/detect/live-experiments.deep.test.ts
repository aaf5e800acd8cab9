/** Every sabotage of the live harness. `live-experiments.test.ts` has one over fake and one over real processes. */

import test from 'ava';
import { REAL_PARTS, liveSabotagesAreNamed } from './testing/live-trials.ts';

test.serial('no sabotage of the live harness over fake processes ends in HOLDS, and each is named', async (t) => {
  await liveSabotagesAreNamed(t, () => true, false);
});

test.serial('no sabotage of the audit of real processes ends in HOLDS, and each is named', async (t) => {
  await liveSabotagesAreNamed(t, (name) => REAL_PARTS.audit.test(name), true);
});

test.serial('no relay that lies lets a soak of real processes end in HOLDS, and each is named', async (t) => {
  await liveSabotagesAreNamed(t, (name) => REAL_PARTS.relay.test(name), true);
});

test.serial('no evidence that is withheld of real processes leaves a history that holds', async (t) => {
  await liveSabotagesAreNamed(t, (name) => REAL_PARTS.withheld.test(name), true);
});

test.serial('no page of moments that lies lets a soak of real processes end in HOLDS, and each is named', async (t) => {
  await liveSabotagesAreNamed(t, (name) => REAL_PARTS.pages.test(name), true);
});

test.serial('no retirement that retires nobody ends in HOLDS, and each is named', async (t) => {
  await liveSabotagesAreNamed(t, (name) => REAL_PARTS.retirements.test(name), true);
});

test.serial('faults that should be open together and never are do not end in HOLDS, and that is named', (t) =>
  liveSabotagesAreNamed(t, (name) => /join|alone|overlaps/.test(name), false),
);
