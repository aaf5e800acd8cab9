import test from 'ava';
import { systemClock } from '../../../src/core/clock.ts';
import { OperatingError, ViolationError } from '../../../src/core/errors.ts';
import type { PinOutcome, Journals } from '../../../src/journal/journals.ts';
import { LiveAudit } from './live-audit.ts';
import type { SoakOptions } from '../soak-options.ts';
import { fakeOptions } from '../testing/fake-run.ts';
import { DoubtsChecker } from '../../guarantee/checkers/doubts.ts';
import { run } from '../../guarantee/checkers/testing/planted.ts';
import type { HistoryEvent } from '../../guarantee/history.ts';

type Attached = {
  readonly live: LiveAudit;
  readonly events: readonly HistoryEvent[];
  readonly doubts: readonly string[];
};

/** An audit whose broker has started, and has answered requests for pins like this. */
async function attached(pin: () => Promise<PinOutcome>, audit: SoakOptions['audit']): Promise<Attached> {
  const journals: Partial<Journals> = {
    pin,
    release: () => Promise.resolve(),
    close: () => undefined,
  };
  const events: HistoryEvent[] = [];
  const live = new LiveAudit({
    options: { ...fakeOptions('none', {}), audit },
    specs: [],
    dataFolder: 'none',
    endpoint: 'none',
    clock: systemClock,
    connect: () => journals as Journals,
    signal: new AbortController().signal,
    record: (happening) => events.push({ atNs: 0, ...happening }),
    onError: (error) => {
      throw error;
    },
  });
  await live.listener.onStarted('broker');
  return { live, events, doubts: run(new DoubtsChecker(), events).inconclusive };
}

const REFUSED = (): Promise<PinOutcome> => Promise.reject(new OperatingError('ERR_TEST', 'no answer'));
const OLD = (): Promise<PinOutcome> => Promise.resolve({ offset: 100, nextIndexes: {} });

test('journals that should be there and do not answer leave a run unproven, whatever was asked for', async (t) => {
  for (const audit of ['auto', 'follow'] as const) {
    t.deepEqual((await attached(REFUSED, audit)).doubts, ['the journals were not followed: no answer']);
  }
});

test('nobody follows journals of an earlier run, which counts only where following was asked for', async (t) => {
  const reason = 'the data folder holds the journals of an earlier run';
  const auto = await attached(OLD, 'auto');
  t.deepEqual(auto.doubts, []);
  t.is(auto.live.description, `of the end only: ${reason}`);
  t.deepEqual((await attached(OLD, 'follow')).doubts, [`the journals were not followed: ${reason}`]);
});

test('a chunker that died for good is another one from then on, and the audit is told of both', async (t) => {
  const { live, events } = await attached(() => Promise.resolve({ offset: 0, nextIndexes: {} }), 'auto');
  const ready = { event: 'ready', component: 'chunker', pid: 1, chunkerNumber: 0, resumed: false } as const;
  live.onEvent('chunker-0', { ...ready, producer: 'aa00000000000001', verifiedTotal: 3 });
  live.onRetired('chunker-0', 'aa00000000000001');
  live.onEvent('chunker-0', { ...ready, producer: 'aa00000000000002', verifiedTotal: 0 });
  live.onEvent('chunker-0', { event: 'drained', verifiedTotal: 5, filesCompletedTotal: 6 });
  t.deepEqual(live.audited, {
    producers: [{ process: 'chunker-0', producer: 'aa00000000000002', verifiedTotal: 5, filesCompletedTotal: 6 }],
    retired: [{ process: 'chunker-0', producer: 'aa00000000000001', verifiedTotal: 3 }],
  });
  t.deepEqual(
    events.flatMap((event) => (event.event === 'retired' || event.event === 'drained' ? [event.producer] : [])),
    ['aa00000000000001', 'aa00000000000002'],
  );
});

test('journals that have lost what they had said to the auditor are a violation of the run', async (t) => {
  const loss = new ViolationError('acknowledged-loss', 'it is an older copy', { journal: 'sums' });
  const { events } = await attached(() => Promise.reject(loss), 'auto');
  t.deepEqual(events, [
    {
      atNs: 0,
      event: 'violation',
      process: 'auditor',
      kind: 'acknowledged-loss',
      detail: 'it is an older copy',
      journal: 'sums',
    },
    { atNs: 0, event: 'unfollowed', reason: 'it is an older copy', leavesDoubt: false },
  ]);
});
