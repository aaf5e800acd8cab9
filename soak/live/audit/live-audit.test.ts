import test from 'ava';
import { systemClock } from '../../../src/core/clock.ts';
import { OperatingError, ViolationError } from '../../../src/core/errors.ts';
import type { PinOutcome, Journals } from '../../../src/journal/journals.ts';
import { LiveAudit } from './live-audit.ts';
import type { SoakOptions } from '../options.ts';
import { fakeOptions } from '../testing/fake-run.ts';
import type { RecordedViolation } from '../../guarantee/verdict.ts';

/** An audit whose broker has started, and answered like this to being asked for holds. */
async function attached(
  pin: () => Promise<PinOutcome>,
  audit: SoakOptions['audit'],
  onViolation: (violation: RecordedViolation) => void = () => undefined,
): Promise<LiveAudit> {
  const journals: Partial<Journals> = {
    pin,
    release: () => Promise.resolve(),
    close: () => undefined,
  };
  const live = new LiveAudit({
    options: { ...fakeOptions('none', {}), audit },
    specs: [],
    dataFolder: 'none',
    endpoint: 'none',
    clock: systemClock,
    connect: () => journals as Journals,
    signal: new AbortController().signal,
    onViolation,
    onError: (error) => {
      throw error;
    },
  });
  await live.listener.onStarted('broker');
  return live;
}

const REFUSED = (): Promise<PinOutcome> => Promise.reject(new OperatingError('ERR_TEST', 'no answer'));
const OLD = (): Promise<PinOutcome> => Promise.resolve({ offset: 100, nextIndexes: {} });

test('journals that should be there and do not answer leave a run unproven, however much of an audit was asked for', async (t) => {
  for (const audit of ['auto', 'follow'] as const) {
    t.deepEqual((await attached(REFUSED, audit)).unproven, ['the journals were not followed: no answer']);
  }
});

test('journals of an earlier run are followed by nobody, which counts only where following was asked for', async (t) => {
  const reason = 'the data folder holds the journals of an earlier run';
  const auto = await attached(OLD, 'auto');
  t.deepEqual(auto.unproven, []);
  t.is(auto.description, `of the end only: ${reason}`);
  t.deepEqual((await attached(OLD, 'follow')).unproven, [`the journals were not followed: ${reason}`]);
});

test('journals that have lost what they had said to the auditor are a violation of the run', async (t) => {
  const violations: RecordedViolation[] = [];
  const loss = new ViolationError('acknowledged-loss', 'it is an older copy', { journal: 'sums' });
  await attached(
    () => Promise.reject(loss),
    'auto',
    (violation) => violations.push(violation),
  );
  t.deepEqual(violations, [
    { process: 'auditor', kind: 'acknowledged-loss', detail: 'it is an older copy', journal: 'sums' },
  ]);
});
