/** Charts as SVG text, by ECharts without a browser: each once for a light page and once for a dark page. */

import * as echarts from 'echarts';
import { COLORS as PAGE_COLORS, type Theme } from '../../src/report/html.ts';

export type Series = {
  readonly name: string;
  /** By category, or `[x, y]` on a numeric axis; null: no value. */
  readonly values: readonly (number | null | readonly [number, number])[];
};

export type Chart = {
  readonly title: string;
  /** Bars need a linear scale, because their length is the value. */
  readonly kind: 'bar' | 'line' | 'points';
  /** Categories of the horizontal axis; absent: its values are numbers. */
  readonly categories?: readonly string[];
  readonly xName?: string;
  readonly yName: string;
  readonly xScale?: 'linear' | 'logarithmic';
  readonly yScale: 'linear' | 'logarithmic';
  readonly stacked?: boolean;
  /** How a value on the horizontal axis is written; likewise for the vertical axis. */
  readonly xText?: (value: number) => string;
  readonly yText: (value: number) => string;
  readonly series: readonly Series[];
};

const WIDTH = 720;
const HEIGHT = 320;
/** Colours of Okabe and Ito: colour-blind eyes tell them apart, and they are readable on light and dark. */
const COLORS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#999999', '#b8a800'];

/** A whole `<svg>` element. */
export function chartSvg(chart: Chart, theme: Theme): string {
  const instance = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  try {
    instance.setOption(optionOf(chart, theme));
    return instance.renderToSVGString();
  } finally {
    instance.dispose();
  }
}

function optionOf(chart: Chart, theme: Theme): echarts.EChartsOption {
  const { text } = PAGE_COLORS[theme];
  return {
    animation: false,
    color: COLORS,
    backgroundColor: 'transparent',
    legend: { top: 0, left: 0, textStyle: { color: text } },
    grid: { left: 70, right: 30, top: 66, bottom: 56 },
    xAxis: axisOf(chart, 'x', theme),
    yAxis: axisOf(chart, 'y', theme),
    series: chart.series.map(({ name, values }) => ({
      name,
      data: values.map((value) => (typeof value === 'object' && value !== null ? [...value] : value)),
      silent: true,
      emphasis: { disabled: true },
      ...STYLES[chart.kind],
      ...(chart.stacked === true ? { stack: 'all' } : {}),
    })),
  };
}

const STYLES = {
  bar: { type: 'bar', barMaxWidth: 34 },
  line: { type: 'line', symbolSize: 7, connectNulls: false },
  points: { type: 'scatter', symbolSize: 12 },
} as const;

function axisOf(chart: Chart, which: 'x' | 'y', theme: Theme): object {
  const { text, line, minor } = PAGE_COLORS[theme];
  const name = which === 'x' ? chart.xName : chart.yName;
  const textOf = which === 'x' ? chart.xText : chart.yText;
  const scale = which === 'x' ? chart.xScale : chart.yScale;
  const style = {
    name: name ?? '',
    nameTextStyle: { color: minor },
    nameLocation: which === 'x' ? 'middle' : 'end',
    nameGap: which === 'x' ? 36 : 12,
    axisLine: { lineStyle: { color: line } },
    splitLine: { show: which === 'y', lineStyle: { color: line } },
    axisLabel: { color: text, ...(textOf === undefined ? {} : { formatter: textOf }) },
  };
  if (which === 'x' && chart.categories !== undefined) {
    return { ...style, type: 'category', data: [...chart.categories], axisLabel: { color: text, interval: 0 } };
  }
  return { ...style, type: scale === 'logarithmic' ? 'log' : 'value' };
}
