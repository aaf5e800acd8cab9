/**
 * How a chart over the time of a run looks in the browser: panels one below the other, and the faults in lanes under
 * them. This module is put into a page as text (`embed.ts`).
 */

import type { FaultItem, FaultLanes, Panel, TimeChart, TimeSeries } from './chart.ts';
import { type Colors, legendOf } from './chart-client.ts';
import { SERIES_COLORS, secondsText, unitText } from './unit-client.ts';

/** What a custom series gets to draw one item with. */
type ItemApi = {
  value: (dimension: number) => number;
  coord: (place: readonly [number, number]) => [number, number];
  size: (size: readonly [number, number]) => [number, number];
};
type Surroundings = { readonly coordSys: { x: number; y: number; width: number; height: number } };

const PANEL_TOP = 62;
const PANEL_STEP = 210;
const PANEL_HEIGHT = 150;
const FAULT_COLOR = '#d55e00';
/** The most shaded areas. More would hide what is behind them. */
const SHADES_MAX = 250;
/** Lines with at most this many steps show a point for each. */
const SYMBOLS_MAX = 150;
/** Colors by the beginning of a fault's kind. */
const FAMILY_COLORS = new Map([
  ['kill', '#d55e00'],
  ['pause', '#0072b2'],
  ['partition', '#009e73'],
  ['takeover', '#cc79a7'],
  ['restart', '#b8a800'],
  ['retire', '#56b4e9'],
  ['upgrade', '#8250df'],
  ['member', '#a0522d'],
  ['network', '#7a9e1f'],
  ['power', '#4b5563'],
]);
const LETTER_PX = 6.4;
const ZOOM_SLIDER_PX = 24;

/** The left edge of panels and lanes alike, so that a time has one place. */
export function timeLeft({ faults }: TimeChart, isNarrow: boolean): number {
  const letters = Math.max(0, ...(faults?.kinds ?? []).map(({ length }) => length));
  return Math.max(isNarrow ? 58 : 72, Math.ceil(letters * (isNarrow ? 5.6 : LETTER_PX)) + 14);
}

export function panelsOption(chart: TimeChart, colors: Colors, width: number): object {
  const { panels, faults } = chart;
  const isNarrow = width < 640;
  const left = timeLeft(chart, isNarrow);
  const plotWidth = width - left - 16;
  return {
    animation: false,
    useUTC: true,
    color: SERIES_COLORS,
    backgroundColor: 'transparent',
    legend: { ...legendOf(colors), data: panels.flatMap(({ series }) => series.map(({ name }) => name)) },
    tooltip: { ...boxOf(colors), trigger: 'axis', formatter: (items: unknown) => stepText(chart, items) },
    axisPointer: { link: [{ xAxisIndex: 'all' }], label: { show: false } },
    grid: panels.map((_, index) => ({
      left,
      right: 16,
      top: PANEL_TOP + index * PANEL_STEP,
      height: PANEL_HEIGHT,
    })),
    xAxis: panels.map((_, index) => {
      const isLast = index === panels.length - 1;
      return timeAxis(chart, colors, { gridIndex: index, isLast, isNamed: isLast && faults === null });
    }),
    yAxis: panels.map((panel, index) => panelAxis(panel, colors, index, left)),
    dataZoom: zoomOf(colors, panels.length, faults === null),
    series: panels.flatMap((panel, index) => panelSeries(chart, panel, index, { colors, plotWidth })),
  };
}

function boxOf(colors: Colors): object {
  return {
    confine: true,
    backgroundColor: colors.box,
    borderColor: colors.line,
    textStyle: { color: colors.text, fontSize: 12 },
    renderMode: 'richText',
  };
}

function timeAxis(
  { endS }: TimeChart,
  colors: Colors,
  at: { gridIndex: number; isLast: boolean; isNamed: boolean },
): object {
  return {
    // Milliseconds since the run began. With this type the ticks are at whole minutes and hours at every zoom.
    type: 'time',
    gridIndex: at.gridIndex,
    min: 0,
    max: endS * 1e3,
    axisLine: { lineStyle: { color: colors.line } },
    splitLine: { show: false },
    axisLabel: { show: at.isLast, color: colors.text, hideOverlap: true, formatter: timeText },
    ...(at.isNamed
      ? {
          name: 'time since the run began',
          nameLocation: 'middle',
          nameGap: 28,
          nameTextStyle: { color: colors.minor },
        }
      : {}),
  };
}

function panelAxis(
  { name, unit, scale, isClose = false }: Panel,
  colors: Colors,
  gridIndex: number,
  left: number,
): object {
  return {
    type: scale === 'logarithmic' ? 'log' : 'value',
    gridIndex,
    name,
    nameLocation: 'end',
    nameGap: 16,
    nameTextStyle: { color: colors.minor, align: 'left', padding: [0, 0, 0, 8 - left] },
    axisLine: { lineStyle: { color: colors.line } },
    splitLine: { lineStyle: { color: colors.line, opacity: 0.6 } },
    axisLabel: { color: colors.text, hideOverlap: true, formatter: (value: number) => unitText(value, unit) },
    splitNumber: 4,
    scale: isClose,
  };
}

/** `value`: milliseconds since the run began. */
function timeText(value: number): string {
  return secondsText(value / 1e3);
}

function pointsOf(values: readonly (number | null)[], atS: readonly number[]): [number, number | null][] {
  return values.map((value, step) => [(atS[step] ?? 0) * 1e3, value]);
}

/** Plain scrolling moves the page. Zooming takes Ctrl and the wheel, two fingers, or the slider. */
function zoomOf(colors: Colors, panels: number, hasSlider: boolean): object[] {
  const xAxisIndex = Array.from({ length: panels }, (_, index) => index);
  const inside = { type: 'inside', xAxisIndex, filterMode: 'none', zoomOnMouseWheel: 'ctrl', moveOnMouseWheel: false };
  const slider = {
    type: 'slider',
    xAxisIndex,
    filterMode: 'none',
    bottom: 6,
    height: ZOOM_SLIDER_PX,
    showDataShadow: false,
    labelFormatter: timeText,
    textStyle: { color: colors.minor },
    borderColor: colors.line,
  };
  return hasSlider ? [inside, slider] : [inside];
}

function panelSeries(
  chart: TimeChart,
  panel: Panel,
  index: number,
  { colors, plotWidth }: { colors: Colors; plotWidth: number },
): object[] {
  const { atS } = chart;
  const before = chart.panels.slice(0, index).reduce((count, { series }) => count + series.length, 0);
  return panel.series.flatMap((series, place) => {
    const color = SERIES_COLORS[(before + place) % SERIES_COLORS.length];
    const isFew = series.values.filter((value) => value !== null).length <= SYMBOLS_MAX;
    const line = {
      name: series.name,
      type: 'line',
      xAxisIndex: index,
      yAxisIndex: index,
      z: 3,
      symbol: 'circle',
      symbolSize: 3,
      showSymbol: isFew && series.isDashed !== true,
      connectNulls: false,
      itemStyle: { color },
      lineStyle: { color, width: 1.5, type: series.isDashed === true ? 'dashed' : 'solid' },
      data: pointsOf(series.values, atS),
      ...(place === 0
        ? { markArea: areasOf(chart, index === 0 && chart.panels.length > 1, { colors, plotWidth }) }
        : {}),
    };
    return [line, ...bandSeries(series, atS, index, color)];
  });
}

/** Two stacked series: the least value, which is not drawn, and above it the distance to the greatest. */
function bandSeries(series: TimeSeries, atS: readonly number[], index: number, color: string | undefined): object[] {
  const { low, high, name } = series;
  if (low === undefined || high === undefined) return [];
  const common = {
    type: 'line',
    xAxisIndex: index,
    yAxisIndex: index,
    stack: `range of ${name}`,
    stackStrategy: 'all',
    symbol: 'none',
    silent: true,
    lineStyle: { opacity: 0 },
    tooltip: { show: false },
  };
  return [
    { ...common, data: pointsOf(low, atS) },
    {
      ...common,
      areaStyle: { color, opacity: 0.22 },
      data: pointsOf(
        high.map((value, step) => (value === null ? null : value - (low[step] ?? value))),
        atS,
      ),
    },
  ];
}

/**
 * The phases, with their names where there is room, and the time from each fault to its recovery. A fault that hit and
 * never recovered lasts to the end.
 */
function areasOf(
  { phases, faults, endS }: TimeChart,
  isNamed: boolean,
  { colors, plotWidth }: { colors: Colors; plotWidth: number },
): object {
  const ofPhases = phases.map(({ name, fromS, toS }, index) => {
    const room = ((toS - fromS) / Math.max(endS, 1e-9)) * plotWidth;
    const itemStyle = { color: colors.text, opacity: index % 2 === 0 ? 0.02 : 0.06 };
    const isShown = isNamed && room > name.length * LETTER_PX + 4;
    return [
      { name: isShown ? name : '', xAxis: fromS * 1e3, itemStyle, label: { show: isShown } },
      { xAxis: toS * 1e3 },
    ];
  });
  const items = faults?.items ?? [];
  const ofFaults = (items.length > SHADES_MAX ? [] : items).map(({ injectedS, provenS, healedS, recoveredS }) => [
    { xAxis: injectedS * 1e3, itemStyle: { color: FAULT_COLOR, opacity: 0.1 }, label: { show: false } },
    { xAxis: (recoveredS ?? (provenS === null ? (healedS ?? injectedS) : endS)) * 1e3 },
  ]);
  return {
    silent: true,
    label: { color: colors.minor, position: 'insideTop', fontSize: 11 },
    data: [...ofPhases, ...ofFaults],
  };
}

/** All values of one step of the panel under the pointer. */
function stepText({ atS, panels, phases }: TimeChart, items: unknown): string {
  const [first] = items as readonly { readonly dataIndex: number; readonly axisIndex: number }[];
  if (first === undefined) return '';
  const at = atS[first.dataIndex] ?? 0;
  const phase = phases.find(({ fromS, toS }) => at >= fromS && at <= toS);
  const lines = panels.flatMap(({ series, unit, name }) => [
    name,
    ...series.map((one) => {
      const value = one.values[first.dataIndex] ?? null;
      const [low, high] = [one.low?.[first.dataIndex] ?? null, one.high?.[first.dataIndex] ?? null];
      const range =
        low === null || high === null || low === high ? '' : ` (${unitText(low, unit)} to ${unitText(high, unit)})`;
      return `  ${one.name}: ${value === null ? 'not known' : unitText(value, unit)}${range}`;
    }),
  ]);
  return [`${secondsText(at)}${phase === undefined ? '' : `, ${phase.name}`}`, ...lines].join('\n');
}

export function lanesOption(chart: TimeChart, lanes: FaultLanes, colors: Colors, width: number): object {
  const isNarrow = width < 640;
  return {
    animation: false,
    useUTC: true,
    backgroundColor: 'transparent',
    tooltip: {
      ...boxOf(colors),
      trigger: 'item',
      formatter: ({ data }: { data?: { text?: string } }) => wrappedText(data?.text ?? '', isNarrow ? 40 : 84),
    },
    grid: { left: timeLeft(chart, isNarrow), right: 16, top: 6, bottom: 84 },
    xAxis: timeAxis(chart, colors, { gridIndex: 0, isLast: true, isNamed: true }),
    yAxis: {
      type: 'category',
      inverse: true,
      data: lanes.kinds,
      axisLine: { lineStyle: { color: colors.line } },
      axisTick: { show: false },
      splitLine: { show: true, lineStyle: { color: colors.line, opacity: 0.6 } },
      axisLabel: { color: colors.text, interval: 0, fontSize: isNarrow ? 10 : 11 },
    },
    dataZoom: zoomOf(colors, 1, true),
    series: [
      {
        name: 'faults',
        type: 'custom',
        clip: true,
        dimensions: ['lane', 'injected', 'proven', 'healed', 'recovered'],
        encode: { x: [1, 4], y: 0 },
        data: lanes.items.map((item) => ({ value: placesOf(item, chart.endS), text: item.text })),
        renderItem: (given: Surroundings, api: ItemApi) => faultShape(given, api, lanes, colors),
      },
    ],
  };
}

/**
 * The lane, and in milliseconds the moments injected, proven (negative: never), healed and recovered. A moment that
 * never came is drawn at the end.
 */
function placesOf({ lane, injectedS, provenS, healedS, recoveredS }: FaultItem, endS: number): number[] {
  const healed = healedS ?? (provenS === null ? injectedS : endS);
  const recovered = recoveredS ?? (healedS === null ? healed : endS);
  return [lane, ...[injectedS, provenS ?? -1, healed, recovered].map((seconds) => seconds * 1e3)];
}

function faultShape(given: Surroundings, api: ItemApi, { kinds }: FaultLanes, colors: Colors): object {
  const lane = api.value(0);
  const kind = kinds[lane] ?? '';
  const color = FAMILY_COLORS.get(kind.split('-')[0] ?? '') ?? '#999999';
  const [left, middle] = api.coord([api.value(1), lane]);
  const xOf = (dimension: number): number => api.coord([api.value(dimension), lane])[0];
  const height = api.size([0, 1])[1] * 0.7;
  const isProven = api.value(2) >= 0;
  const bar = (from: number, to: number, style: object): object => {
    const begin = Math.max(from, given.coordSys.x);
    const end = Math.min(Math.max(to, from + 3), given.coordSys.x + given.coordSys.width);
    const shape = { x: begin, y: middle - height / 2, width: Math.max(0, end - begin), height };
    return { type: 'rect', shape, style };
  };
  const tick = { fill: colors.text };
  const proven = bar(xOf(2), xOf(2) + 1, tick) as { shape: { width: number } };
  if (isProven) proven.shape.width = Math.min(1.5, proven.shape.width);
  const children = isProven
    ? [bar(xOf(3), xOf(4), { fill: color, opacity: 0.35 }), bar(left, xOf(3), { fill: color, opacity: 0.95 }), proven]
    : [bar(left, Math.max(left + 6, xOf(3)), { fill: 'none', stroke: color, lineWidth: 1.5 })];
  return { type: 'group', children };
}

/** Lines of limited length, because a tooltip in a canvas does not wrap. */
function wrappedText(text: string, letters: number): string {
  return text
    .split('\n')
    .map((line) => line.replaceAll(new RegExp(`(.{1,${letters}})(?:\\s+|$)`, 'g'), '$1\n').trim())
    .join('\n');
}
