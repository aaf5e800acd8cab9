/** Verifiers that are away for longer than the retention of their cluster: what they do, and what follows. */

import test from 'ava';
import { EXIT } from '../../../src/core/errors.ts';
import type { HistoryEvent } from '../../guarantee/history.ts';
import { withAbsenceBeyondRetention } from '../mutants/adapt-cluster.ts';
import { planFor } from '../plan-for.ts';
import type { Plan } from '../plan.ts';
import { type Outcome, kindOf, simulate } from '../simulate.ts';

const HOWS = ['dead', 'paused', 'cut'] as const;

/** Nothing happens but the absence; `part`: how long it lasts, of a whole one. */
function planWith(how: (typeof HOWS)[number], part: number): Plan {
  const plan = withAbsenceBeyondRetention(planFor({ seed: 6, engine: 'gazette' }));
  const faults = plan.faults.flatMap((planned) =>
    planned.kind === 'absence' ? [{ ...planned, how, durationMs: planned.durationMs * part }] : [],
  );
  return { ...plan, faults };
}

async function run(plan: Plan): Promise<Outcome & { readonly history: readonly HistoryEvent[] }> {
  const history: HistoryEvent[] = [];
  const outcome = await simulate(plan, { listener: ({ event }) => void history.push(event) });
  return { ...outcome, history };
}

test('a verifier that is back when its sums are trimmed exits 3 and is retired, and another one comes', async (t) => {
  for (const how of HOWS) {
    const { history, ...outcome } = await run(planWith(how, 1));
    const { violations, failures, inconclusive, moments } = outcome;
    t.is(kindOf(outcome), null, `${how}: ${JSON.stringify({ violations, failures, inconclusive })}`);
    t.true(moments['sums batch trimmed'] > 0, how);
    t.is(moments['chunker found its pin gone'], 1, how);
    t.is(moments['chunker retired and replaced'], 1, how);
    const exits = history.filter((event) => event.event === 'ended' && event.exitCode === EXIT.inconclusive);
    t.is(exits.length, 1, how);
  }
});

test('a verifier that is back before the retention is over reads on', async (t) => {
  for (const how of HOWS) {
    const { moments, ...outcome } = await simulate(planWith(how, 0.3));
    t.is(kindOf({ ...outcome, moments }), null, how);
    t.is(moments['chunker retired and replaced'], 0, how);
  }
});
