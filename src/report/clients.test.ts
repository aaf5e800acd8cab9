import test from 'ava';
import * as echarts from 'echarts';
import type { Chart, TimeChart } from './chart.ts';
import { chartOption } from './chart-client.ts';
import { COLORS } from './html.ts';
import { lanesOption, panelsOption } from './time-client.ts';
import { secondsText, unitText } from './unit-client.ts';

const TIME: TimeChart = {
  title: 'a run',
  endS: 4,
  atS: [0.5, 1.5, 2.5, 3.5],
  phases: [
    { name: 'steady', fromS: 0, toS: 2 },
    { name: 'faults', fromS: 2, toS: 4 },
  ],
  panels: [
    {
      name: 'chunks a second',
      unit: 'count',
      scale: 'linear',
      series: [
        { name: 'published', values: [20_000, null, 10_000, 20_000], low: [1, null, 2, 3], high: [9, null, 8, 7] },
      ],
    },
    {
      name: 'latency of sums',
      unit: 'seconds',
      scale: 'logarithmic',
      series: [{ name: 'p99', values: [0.01, null, 3, 0.02] }],
    },
  ],
  faults: {
    kinds: ['kill-broker', 'kill-summer'],
    items: [
      { lane: 0, injectedS: 2, provenS: 2.1, healedS: 2.5, recoveredS: 3, text: 'one' },
      { lane: 1, injectedS: 3, provenS: null, healedS: null, recoveredS: null, text: 'another' },
      { lane: 1, injectedS: 3.5, provenS: 3.6, healedS: null, recoveredS: null, text: 'a third' },
    ],
  },
};

function drawn(option: object, width: number): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height: 600 });
  try {
    chart.setOption({ ...option });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

/** The words that are drawn. */
function wordsIn(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text.trim());
}

test('a run over time is drawn at every width and in both themes, with titles, units, phases and kinds', (t) => {
  for (const width of [360, 1_200]) {
    for (const colors of Object.values(COLORS)) {
      const panels = wordsIn(drawn(panelsOption(TIME, colors, width), width));
      for (const word of ['chunks a second', 'latency of sums', '20 k', '10 ms', 'published', 'steady', 'faults']) {
        t.true(panels.includes(word), `${width}: ${word} in ${panels.join('|')}`);
      }
      const lanes = wordsIn(drawn(lanesOption(TIME, TIME.faults ?? { kinds: [], items: [] }, colors, width), width));
      for (const word of ['kill-broker', 'kill-summer', '0 s', 'time since the run began']) {
        t.true(lanes.includes(word), `${width}: ${word} in ${lanes.join('|')}`);
      }
    }
  }
});

/** The line of these values, as SVG has it. */
function pathOf(values: readonly (number | null)[]): string {
  const panels = TIME.panels.slice(0, 1).map((panel) => ({ ...panel, series: [{ name: 'published', values }] }));
  const svg = drawn(panelsOption({ ...TIME, phases: [], faults: null, panels }, COLORS.light, 800), 800);
  return /<path d="(?<path>[^"]*)" fill="none"[^>]*stroke="#0072b2"/.exec(svg)?.groups?.['path'] ?? '';
}

test('what is not known of a step is a gap of its line', (t) => {
  const [whole, broken] = [pathOf([5, 6, 7, 8]), pathOf([5, 6, null, 8])];
  t.regex(whole, /^M[^M]+$/);
  t.regex(broken, /^M[^M]+M[^M]+$/);
});

test('a fault that hit and never recovered is shaded to the end', (t) => {
  type Area = { readonly xAxis: number };
  const { series } = panelsOption({ ...TIME, phases: [] }, COLORS.light, 800) as {
    readonly series: readonly { readonly markArea?: { readonly data: readonly Area[][] } }[];
  };
  const areas = series.flatMap(({ markArea }) => markArea?.data ?? []).slice(0, 3);
  t.deepEqual(
    areas.map((ends) => ends.map(({ xAxis }) => xAxis)),
    [
      [2_000, 3_000],
      [3_000, 3_000],
      [3_500, 4_000],
    ],
  );
});

test('a chart of categories or of numbers is drawn at every width, with its axes', (t) => {
  const bars: Chart = {
    title: 'parts',
    kind: 'bar',
    categories: ['32 B', '1 KiB'],
    xName: 'chunk',
    yName: '% of all',
    yUnit: 'percent',
    yScale: 'linear',
    stacked: true,
    series: [{ name: 'broker', values: [40, null] }],
  };
  const line: Chart = {
    title: 'percentiles',
    kind: 'line',
    xName: 'percentile',
    xUnit: 'percentile',
    xScale: 'logarithmic',
    yName: 'latency',
    yUnit: 'seconds',
    yScale: 'logarithmic',
    series: [
      {
        name: 'steady',
        values: [
          [1, 0.001],
          [100, 0.01],
          [10_000, 1],
        ],
      },
    ],
  };
  for (const width of [360, 900]) {
    for (const colors of Object.values(COLORS)) {
      const ofBars = wordsIn(drawn(chartOption(bars, colors, width < 640), width));
      for (const word of ['32 B', '1 KiB', '% of all', '40 %', 'broker']) t.true(ofBars.includes(word), word);
      const ofLine = wordsIn(drawn(chartOption(line, colors, width < 640), width));
      for (const word of ['99 %', '99.99 %', 'latency', 'percentile', '10 ms']) t.true(ofLine.includes(word), word);
    }
  }
});

test('values are written in the unit of their axis', (t) => {
  t.deepEqual([0, 0.0123, 4.5, 125, 12_000, 183_600].map(secondsText), [
    '0 s',
    '12.3 ms',
    '4.5 s',
    '2 min 5 s',
    '3 h 20 min',
    '2 d 3 h',
  ]);
  t.is(unitText(1_234_567, 'bytes'), '1.23 MB');
  t.is(unitText(20_000, 'count'), '20 k');
  t.is(unitText(100, 'percentile'), '99 %');
  t.is(unitText(2e6, 'bytes/s'), '2 MB/s');
});
