/** How a chart looks in the browser, for the chart library. This module is put into a page as text (`embed.ts`). */

import type { Chart, Unit } from './chart.ts';
import type { COLORS, Theme } from './html.ts';
import { SERIES_COLORS, unitText } from './unit-client.ts';

export type Colors = (typeof COLORS)[Theme];

const SERIES_STYLES = {
  bar: { type: 'bar', barMaxWidth: 34 },
  line: { type: 'line', symbolSize: 6, connectNulls: false },
  points: { type: 'scatter', symbolSize: 11 },
} as const;

export function chartOption(chart: Chart, colors: Colors, isNarrow: boolean): object {
  const { series, kind, yUnit } = chart;
  return {
    ...commonOption(colors, yUnit),
    legend: legendOf(colors),
    grid: { left: isNarrow ? 58 : 70, right: isNarrow ? 14 : 30, top: 62, bottom: bottomOf(chart, isNarrow) },
    xAxis: axisOf(chart, 'x', colors, isNarrow),
    yAxis: axisOf(chart, 'y', colors, isNarrow),
    series: series.map(({ name, values }) => ({
      name,
      data: values,
      ...SERIES_STYLES[kind],
      ...(chart.stacked === true ? { stack: 'all' } : {}),
    })),
  };
}

/** The options that all charts share. */
export function commonOption(colors: Colors, unit: Unit): object {
  return {
    animation: false,
    color: SERIES_COLORS,
    backgroundColor: 'transparent',
    tooltip: {
      trigger: 'item',
      confine: true,
      backgroundColor: colors.box,
      borderColor: colors.line,
      textStyle: { color: colors.text },
      renderMode: 'richText',
      formatter: ({ seriesName, name, value }: { seriesName: string; name: string; value: unknown }) => {
        const shown = Array.isArray(value) ? value.at(-1) : value;
        const where = name === '' ? '' : `\n${name}`;
        return `${seriesName}${where}\n${typeof shown === 'number' ? unitText(shown, unit) : '-'}`;
      },
    },
  };
}

export function legendOf(colors: Colors): object {
  return {
    type: 'scroll',
    top: 0,
    left: 0,
    textStyle: { color: colors.text },
    pageTextStyle: { color: colors.text },
    pageIconColor: colors.text,
    pageIconInactiveColor: colors.line,
  };
}

/** The room for the names of categories: more when they have several lines or stand upright. */
function bottomOf({ categories, xName }: Chart, isNarrow: boolean): number {
  if (categories === undefined) return 52;
  const lines = Math.max(1, ...categories.map((text) => text.split('\n').length));
  if (isTilted(categories, isNarrow)) {
    return Math.min(150, 30 + 6 * Math.max(...categories.map(({ length }) => length)));
  }
  return 24 + 15 * lines + (xName === undefined ? 0 : 24);
}

/** Whether the names of categories are too long to stand beside each other. */
function isTilted(categories: readonly string[], isNarrow: boolean): boolean {
  const letters = Math.max(0, ...categories.flatMap((text) => text.split('\n').map(({ length }) => length)));
  return letters * categories.length > (isNarrow ? 38 : 70);
}

function axisOf(chart: Chart, which: 'x' | 'y', colors: Colors, isNarrow: boolean): object {
  const { text, line, minor } = colors;
  const [name, unit, scale] =
    which === 'x' ? [chart.xName, chart.xUnit, chart.xScale] : [chart.yName, chart.yUnit, chart.yScale];
  const { categories } = chart;
  const isTurned = which === 'x' && categories !== undefined && isTilted(categories, isNarrow);
  const style = {
    name: isTurned ? '' : (name ?? ''),
    nameTextStyle: { color: minor, ...(which === 'y' ? { align: 'left', padding: [0, 0, 0, -46] } : {}) },
    nameLocation: which === 'x' ? 'middle' : 'end',
    nameGap: which === 'x' ? (categories === undefined ? 30 : 12 + 15 * linesOf(categories)) : 12,
    axisLine: { lineStyle: { color: line } },
    splitLine: { show: which === 'y', lineStyle: { color: line } },
  };
  const label = { color: text, hideOverlap: true };
  if (which === 'x' && categories !== undefined) {
    const turned = isTurned ? { rotate: 60, interval: 0 } : { interval: 0 };
    const data = isTurned ? categories.map((one) => one.replaceAll('\n', ' ')) : categories;
    return { ...style, type: 'category', data, axisLabel: { color: text, ...turned } };
  }
  const formatter = unit === undefined ? undefined : (value: number) => unitText(value, unit);
  return { ...style, type: scale === 'logarithmic' ? 'log' : 'value', axisLabel: { ...label, formatter } };
}

function linesOf(categories: readonly string[]): number {
  return Math.max(1, ...categories.map((text) => text.split('\n').length));
}
