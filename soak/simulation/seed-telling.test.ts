import test from 'ava';
import { FilePaths } from '../guarantee/story/file-path.ts';
import { tellingLines, whyOf } from '../guarantee/story/telling.ts';
import { MUTANTS } from './mutants/index.ts';
import { planOf, workloadOf } from './plan.ts';
import { tellSeed } from './seed-telling.ts';

const PLAN = planOf(3, workloadOf(3));
/** A schedule that holds, for tests that only look at it. */
const HOLDING = tellSeed({ plan: PLAN });

async function tellMutant(name: string, seed: number): ReturnType<typeof tellSeed> {
  const mutant = MUTANTS.find((candidate) => candidate.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  const plan = planOf(seed, workloadOf(seed));
  const adapted = mutant.adapt?.(plan) ?? plan;
  return tellSeed({ plan: adapted, decorations: mutant.decorations(), bug: mutant.bug, stopsAtFirst: true });
}

test('every event says what caused it, and its cause comes before it', async (t) => {
  const { chronicle } = await HOLDING;
  t.true(chronicle.events.length > 1_000);
  for (const { n, cause } of chronicle.events) {
    t.not(cause, undefined, `event ${n}`);
    t.true((cause?.from ?? 0) < n, `event ${n}`);
  }
  const kinds = new Set(chronicle.events.map(({ cause }) => cause?.kind));
  t.deepEqual(kinds, new Set(['start', 'message', 'timer', 'fault', 'signal'] as const));
});

test('whoever was killed names the fault, and whoever it started again as well', async (t) => {
  const { chronicle } = await HOLDING;
  const killed = chronicle.lives.filter(({ end, exitCode }) => end !== null && exitCode === null);
  t.true(killed.length > 10);
  for (const { process, end } of killed) {
    t.regex(end?.cause?.what ?? '', /^fault \d+, (?:crash|power-loss|takeover) of /, process);
  }
  const again = chronicle.lives.filter(({ process, begin }) => process === 'broker' && begin.n > 10);
  t.true(again.length > 1);
  for (const { begin } of again) t.is(begin.cause?.kind, 'fault');
});

test('the path of each file of a run that holds is whole: chunks, sum and verification', async (t) => {
  const { chronicle, verdict } = await HOLDING;
  t.is(verdict, 'HOLDS');
  const paths = new FilePaths(chronicle);
  t.true(paths.known.length > 100);
  for (const path of paths.of(paths.known)) {
    const { file, records, unseen, hasSum, isVerified, steps } = path;
    t.is(records.filter(({ isEnd }) => isEnd).length, 1, file);
    t.deepEqual(unseen, [], file);
    t.true(hasSum && isVerified, file);
    const times = steps.map(({ atNs }) => atNs ?? Number.MAX_VALUE);
    t.deepEqual(
      times,
      times.toSorted((one, other) => one - other),
    );
    const [sum, verified] = (['sum', 'verified'] as const).map((stage) =>
      steps.findIndex((step) => step.stage === stage),
    );
    t.true(steps[0]?.stage === 'durable' || steps[0]?.stage === 'completed', file);
    t.true((sum ?? -1) > 0 && (verified ?? -1) > (sum ?? -1), file);
  }
});

test('of a planted bug it is told when it took effect, who did it, and the fault before', async (t) => {
  const telling = await tellMutant('phantom-sum', 3);
  t.is(telling.verdict, 'VIOLATED');
  const lines = whyOf(telling).join('\n');
  t.regex(lines, /^why: exactly-once: phantom journal=sums offset=\d+/);
  t.regex(lines, /sums at \d+: record \d+ of \w+, epoch \d+, .*because a message \(append\) of summer-0\.3 arrived/);
  t.regex(lines, /who did it, and the lives before:\n +summer-0\.3: started at .*\(fault \d+, crash of summer-0\)/);
  t.regex(
    lines,
    /made it possible:\n(?: .*\n)* .*the planted bug took effect: a sum is of a file that was never opened/,
  );
});

test('of a file without a sum it is told how far it came, and who spoke for its shard', async (t) => {
  const telling = await tellMutant('fold-stalls', 2);
  const file = telling.violations[0]?.file ?? '';
  const lines = whyOf(telling).join('\n');
  t.regex(
    lines,
    /its end generated, as record \d+\n.*told that all of it is durable\n +in no batch of the history: its end/,
  );
  t.regex(lines, /summer-0: started at/);
  t.regex(tellingLines(telling, { file }).join('\n'), new RegExp(`file ${file}, number \\d+ of chunker-1`));
});

test('what happened around a time is told with its causes', async (t) => {
  const telling = await HOLDING;
  const [crash] = telling.chronicle.faults.filter(({ kind }) => kind === 'crash');
  const atNs = (crash?.effectiveNs ?? 0) - telling.chronicle.startNs;
  const lines = tellingLines(telling, { aroundNs: atNs });
  t.regex(
    lines.join('\n'),
    new RegExp(`${crash?.target} is killed, because fault ${crash?.id}, crash of ${crash?.target}`),
  );
});
