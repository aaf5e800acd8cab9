import test from 'ava';
import type { HistoryEvent } from '../guarantee/history.ts';
import { ExperimentReader } from './experiment.ts';
import { fakeOptions } from './testing/fake-run.ts';

/** Its phases last 6, 6, 42 and 6 seconds. */
const OPTIONS = fakeOptions('', { durationMs: 60_000, faults: ['kill'] });

/** Events of a run that began at 100 s of the clock, each with its time since then. */
function read(events: readonly (readonly [atS: number, event: Record<string, unknown>])[]): {
  readonly reader: ExperimentReader;
  readonly lines: readonly string[];
} {
  const lines: string[] = [];
  const say = (line: string, tone?: string): void => void lines.push(`${tone}|${line}`);
  const reader = new ExperimentReader({ startNs: 100e9, options: OPTIONS, display: { say } });
  for (const [index, [atS, event]] of events.entries()) {
    reader.listen({ n: index + 1, event: { ...event, atNs: 100e9 + atS * 1e9 } as HistoryEvent });
  }
  return { reader, lines };
}

const FAULT = { id: 3, kind: 'kill-summer', target: 'summer-1' };

test('each step of a fault is a line with its time since the injection, and the recovery is that of the sums', (t) => {
  const { reader, lines } = read([
    [12.3, { event: 'fault', ...FAULT }],
    [12.31, { event: 'fault-effective', ...FAULT }],
    [13.2, { event: 'fault-healed', ...FAULT }],
    [14.5, { event: 'fault-recovered', ...FAULT, recoveredNs: 113.55e9 }],
  ]);
  t.deepEqual(lines, [
    'injected|    12.3 s  injected   fault 3, kill-summer of summer-1',
    'proven|    12.3 s  proven     fault 3, kill-summer of summer-1: after 10 ms',
    'healed|    13.2 s  healed     fault 3, kill-summer of summer-1: after 900 ms',
    'recovered|    14.5 s  recovered  fault 3, kill-summer of summer-1: after 1.25 s',
  ]);
  const { open, counts } = reader.view(115e9);
  t.deepEqual(open, []);
  t.deepEqual(counts, { injected: 1, proven: 1, healed: 1, recovered: 1 });
});

test('a fault that never hit is told as missed when it is given up, and a fault drawn again counts once', (t) => {
  const { reader, lines } = read([
    [1, { event: 'fault', ...FAULT }],
    [11, { event: 'fault-missed', ...FAULT }],
    [12, { event: 'fault', ...FAULT, id: 4, insteadOf: 3 }],
    [13, { event: 'fault-effective', ...FAULT, id: 4 }],
    [14, { event: 'fault-refuted', ...FAULT, id: 4 }],
    [14, { event: 'fault-missed', ...FAULT, id: 4 }],
  ]);
  t.regex(lines[1] ?? '', /missed +fault 3, kill-summer of summer-1: never seen to hit/);
  t.regex(lines[2] ?? '', /injected +fault 4, .*: again, in the place of fault 3/);
  t.regex(lines[4] ?? '', /refuted +fault 4, .*: its proof was contradicted/);
  t.is(lines.length, 5);
  const { open, counts } = reader.view(115e9);
  t.deepEqual([open, counts], [[], { injected: 1, proven: 0, healed: 0, recovered: 0 }]);
});

test('phases have their ends from the moment when everything is up', (t) => {
  const { reader } = read([[0, { event: 'phase', phase: 'warm-up' }]]);
  t.deepEqual(
    reader.view(100e9).phases.map(({ endMs }) => endMs),
    [null, null, null, null],
  );
  const { reader: later, lines } = read([
    [0, { event: 'phase', phase: 'warm-up' }],
    [0.5, { event: 'up' }],
    [6.5, { event: 'phase', phase: 'steady' }],
  ]);
  t.deepEqual(lines, [
    'phase|     0.5 s  phase      warm-up, until 6.5 s',
    'phase|     6.5 s  phase      steady, until 12.5 s',
  ]);
  t.deepEqual(later.view(107e9).phases, [
    { phase: 'steady', endMs: 12_500 },
    { phase: 'faults', endMs: 54_500 },
    { phase: 'heal', endMs: 60_500 },
  ]);
});

test('what ended is down until it is ready again; what is done or was replaced is not', (t) => {
  const ready = { event: 'said', process: 'summer-1', said: { event: 'ready', component: 'summer' } };
  const { reader } = read([
    [1, { event: 'ended', process: 'summer-1', exitCode: null }],
    [1, { event: 'ended', process: 'broker', exitCode: null }],
    [1, { event: 'ended', process: 'summer-0', exitCode: null }],
    [2, { event: 'ended', process: 'summer-0', exitCode: 12 }],
    [2, ready],
    [3, { event: 'phase', phase: 'drain' }],
    [4, { event: 'ended', process: 'chunker-0', exitCode: 0 }],
    [4, { event: 'ended', process: 'chunker-1', exitCode: 1 }],
  ]);
  t.deepEqual(reader.view(105e9).down, ['broker', 'chunker-1']);
});
