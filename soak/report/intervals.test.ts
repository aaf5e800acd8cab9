import test from 'ava';
import { ofProcesses, readIntervals } from './intervals.ts';

const HEAD = 'elapsed_s,phase,chunks_published,sums_verified,latency_p99_s,rss_bytes_broker,rss_bytes_summer_0\r\n';

test('counts become rates of their second, gauges stay, and what is missing is missing', (t) => {
  const text = `${HEAD}1,warm-up,10,0,,1000,\r\n2,warm-up,20,3,0.5,1100,2000\r\n2.5,steady,30,4,0.25,1200,2100\r\n`;
  const { endS, rows, stepS, atS, phases, totals, columns } = readIntervals(Buffer.from(text));
  t.deepEqual([endS, rows, stepS], [2.5, 3, 1]);
  t.deepEqual(atS, [0.5, 1.5, 2.5]);
  t.deepEqual(phases, [
    { name: 'warm-up', fromS: 0, toS: 2 },
    { name: 'steady', fromS: 2, toS: 2.5 },
  ]);
  t.deepEqual([totals.get('chunks_published'), totals.get('sums_verified')], [60, 7]);
  t.deepEqual(columns.get('chunks_published')?.mean, [10, 20, 60]);
  t.deepEqual(columns.get('latency_p99_s')?.high, [null, 0.5, 0.25]);
  t.deepEqual(columns.get('rss_bytes_summer_0')?.high, [null, 2000, 2100]);
});

test('a last row that was cut is left out, and a file without rows has no steps', (t) => {
  t.is(readIntervals(Buffer.from(`${HEAD}1,warm-up,10,0,,1000,\r\n2,war`)).rows, 1);
  t.deepEqual(readIntervals(Buffer.from(HEAD)).atS, []);
});

test('columns of processes are found whatever is measured of them', (t) => {
  const columns = [
    'rss_bytes_broker',
    'rss_bytes_summer_0_spare_1',
    'event_loop_lag_s_chunker_12',
    'fds_soak',
    'disk_bytes',
  ];
  t.deepEqual(
    [...ofProcesses([...columns, 'latency_p50_s', 'files_open'])].map(([metric, found]) => [
      metric,
      found.map(({ process }) => process),
    ]),
    [
      ['rss_bytes', ['broker', 'summer-0-spare-1']],
      ['event_loop_lag_s', ['chunker-12']],
      ['fds', ['soak']],
    ],
  );
});
