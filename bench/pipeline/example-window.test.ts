import test from 'ava';
import { type ExampleLook, ExampleLooks, exampleMeasurements, messagesOf } from './example-window.ts';

const LOAD = { workers: 2, streams: 50, chunks: 99 };
const NO_MEMORY = new Map<string, number>();

/** After so many seconds, with what two processes have used by then. */
function look(seconds: number, folded: number, cpu: readonly [number, number] = [seconds, 2 * seconds]): ExampleLook {
  const [summer, broker] = cpu;
  const cpuSeconds = new Map([
    ['summer-0', summer],
    ['broker-1', broker],
  ]);
  return { atNs: 7e9 + seconds * 1e9, folded, cpuSeconds, writtenBytes: new Map([['broker-1', folded * 640]]) };
}

function figures(looks: readonly ExampleLook[], processes = 1): ReadonlyMap<string, number | null> | null {
  const seen = new ExampleLooks(LOAD);
  for (const one of looks) seen.add(one);
  const window = seen.window(processes);
  if (window === null) return null;
  return new Map(
    exampleMeasurements(window, NO_MEMORY).map(({ metric, process, value }) => [
      process === undefined ? metric : `${metric} ${process}`,
      value,
    ]),
  );
}

test('the end of a stream is a message and no chunk', (t) => {
  t.is(messagesOf(LOAD), 2 * 50 * 100);
  t.is(figures([look(0, 0), look(2, 10_000)])?.get('chunks_per_s'), (10_000 * 0.99) / 2);
});

test('the rate is that of the whole load, to its last look', (t) => {
  const looks = [look(1, 0), look(2, 9000), look(3, 9990), look(5, 10_000)];
  const found = figures(looks);
  t.is(found?.get('chunks_per_s'), (10_000 * 0.99) / 4);
  t.is(found?.get('bytes_per_s'), (32 * 10_000 * 0.99) / 4);
});

test('the middle half is from the first look beyond a quarter to the first look beyond three quarters', (t) => {
  const looks = [look(0, 0), look(1, 2499), look(2, 3000), look(4, 7499), look(5, 8000), look(9, 10_000)];
  t.is(figures(looks)?.get('middle_chunks_per_s'), (5000 * 0.99) / 3);
  t.is(figures([look(0, 0), look(1, 10_000)])?.get('middle_chunks_per_s'), null);
});

test('the CPU time of all is that of every process in the window, for a million chunks', (t) => {
  const found = figures([look(0, 5050, [10, 20]), look(1, 7500, [10.5, 21]), look(2, 10_000, [11, 22])]);
  t.is(found?.get('cpu_s_per_million_chunks summer-0'), (1 / 4900.5) * 1e6);
  t.is(found?.get('cpu_s_per_million_chunks broker-1'), (2 / 4900.5) * 1e6);
  t.is(found?.get('cpu_s_per_million_chunks all'), (3 / 4900.5) * 1e6);
});

test('written bytes have no value where those of one process are not known', (t) => {
  const looks = [look(1, 2500), look(2, 7500)];
  t.is(figures(looks, 1)?.get('written_bytes_per_payload_byte'), (5000 * 640) / (4950 * 32));
  t.is(figures(looks, 2)?.get('written_bytes_per_payload_byte'), null);
});

test('one look is no window', (t) => {
  t.is(figures([]), null);
  t.is(figures([look(1, 10_000)]), null);
});
