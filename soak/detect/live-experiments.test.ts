import test, { type ExecutionContext } from 'ava';
import { connectJournals } from '../../src/cli/connection.ts';
import { makeAudit } from '../live/audit/end-audit.ts';
import { SABOTAGES } from '../simulation/sabotages/sabotages.ts';
import { Detection } from './detection.ts';
import { liveSabotages, runLiveSabotages } from './live-experiments.ts';

const COMPOSITION = {
  connect: (endpoint: string) => connectJournals(endpoint, 'auditor'),
  audit: makeAudit((endpoint) => connectJournals(endpoint, 'audit')),
};

async function sabotage(t: ExecutionContext, isAsked: (name: string) => boolean, isReal: boolean): Promise<void> {
  t.timeout(300_000);
  const names = new Set(
    liveSabotages()
      .map(({ name }) => name)
      .filter(isAsked),
  );
  const detection = new Detection();
  await runLiveSabotages({
    composition: isReal ? COMPOSITION : null,
    names,
    onResult: (result) => detection.addLive(result),
  });
  t.deepEqual(detection.misses(), []);
  const named = detection.liveRows().reduce((total, row) => total + row.named, 0);
  t.true(named > 0 && named <= names.size);
}

test('there are 16 sabotages of the live harness and more, with names that no other sabotage has', (t) => {
  const names = [...liveSabotages(), ...SABOTAGES].map(({ name }) => name);
  t.is(new Set(names).size, names.length);
  t.true(liveSabotages().length >= 16);
  for (const { name } of liveSabotages()) t.regex(name, /^live-[a-z]+(?:-[a-z]+)*$/);
});

test.serial('no sabotage of the live harness over fake processes ends in HOLDS, and each is named', async (t) => {
  await sabotage(t, (name) => !/auditor|checkpoint|withheld/.test(name), false);
});

test.serial('no sabotage of the audit of real processes ends in HOLDS, and each is named', async (t) => {
  await sabotage(t, (name) => /auditor|checkpoints-that/.test(name), true);
});

test.serial('no relay that lies lets a soak of real processes end in HOLDS, and each is named', async (t) => {
  await sabotage(t, (name) => /relay/.test(name), true);
});

test.serial('no evidence that is withheld of real processes leaves a history that holds', async (t) => {
  await sabotage(t, (name) => /withheld/.test(name), true);
});
