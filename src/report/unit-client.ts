/** Values as text in the browser, for an axis or a tooltip. This module is put into a page as text (`embed.ts`). */

import type { Unit } from './chart.ts';

/** Colours of Okabe and Ito: colour-blind eyes tell them apart, and they are readable on light and dark. */
export const SERIES_COLORS: readonly string[] = [
  '#0072b2',
  '#e69f00',
  '#009e73',
  '#cc79a7',
  '#56b4e9',
  '#d55e00',
  '#999999',
  '#b8a800',
  '#8250df',
  '#7a9e1f',
];

const COUNT_STEPS: readonly (readonly [number, string])[] = [
  [1e9, ' G'],
  [1e6, ' M'],
  [1e3, ' k'],
];
const BYTE_STEPS: readonly (readonly [number, string])[] = [
  [1e12, ' TB'],
  [1e9, ' GB'],
  [1e6, ' MB'],
  [1e3, ' kB'],
];

const UNIT_TEXTS: Readonly<Record<Unit, (value: number) => string>> = {
  count: (value) => scaledText(value, COUNT_STEPS, ''),
  bytes: (value) => scaledText(value, BYTE_STEPS, ' B'),
  'bytes/s': (value) => `${scaledText(value, BYTE_STEPS, ' B')}/s`,
  seconds: secondsText,
  percent: (value) => `${rounded(value, 3)} %`,
  percentile: (value) => `${rounded(100 - 100 / value, 6)} %`,
  number: (value) => String(rounded(value, 6)),
};

export function unitText(value: number, unit: Unit): string {
  return UNIT_TEXTS[unit](value);
}

function scaledText(value: number, steps: readonly (readonly [number, string])[], least: string): string {
  const step = steps.find(([size]) => Math.abs(value) >= size);
  return step === undefined ? `${rounded(value, 3)}${least}` : `${rounded(value / step[0], 3)}${step[1]}`;
}

/** `850 us`, `12.3 ms`, `4.5 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function secondsText(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0 s';
  if (size < 1e-6) return `${rounded(value * 1e9, 3)} ns`;
  if (size < 1e-3) return `${rounded(value * 1e6, 3)} us`;
  if (size < 1) return `${rounded(value * 1e3, 3)} ms`;
  if (size < 60) return `${rounded(value, 3)} s`;
  if (size < 3_600) return twoUnits(Math.round(value), 60, 'min', 's');
  if (size < 86_400) return twoUnits(Math.round(value / 60), 60, 'h', 'min');
  return twoUnits(Math.round(value / 3_600), 24, 'd', 'h');
}

function twoUnits(value: number, size: number, large: string, small: string): string {
  const rest = value % size;
  return rest === 0 ? `${value / size} ${large}` : `${Math.floor(value / size)} ${large} ${rest} ${small}`;
}

function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}
