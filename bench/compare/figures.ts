/** Numbers as the output formats of compare show them. */

import type { ComparedRow } from './comparison.ts';
import type { Shown } from './judge.ts';

const STEPS: readonly (readonly [scale: number, prefix: string])[] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
  [1, ''],
];
const SMALL_STEPS: readonly (readonly [scale: number, prefix: string])[] = [
  [1, ''],
  [1e-3, 'm'],
  [1e-6, 'u'],
  [1e-9, 'n'],
];

/** Three digits with the unit: `21.3 ns`, `1.6 M/s`, `360 MB/s`, `0`; `-` when missing. */
export function figureText(value: number | null, unit: string): string {
  if (value === null) return '-';
  if (value === 0) return `0 ${unitName(unit)}`.trim();
  const steps = unit === 's' ? SMALL_STEPS : STEPS;
  // 999.7 is shown as 1 k.
  const [scale, prefix] = steps.find(([step]) => Math.abs(value) >= 0.9995 * step) ?? steps.at(-1) ?? [1, ''];
  return `${Number((value / scale).toPrecision(3))} ${prefix}${unitName(unit)}`.trim();
}

function unitName(unit: string): string {
  return unit === '1' ? '' : unit.startsWith('1/') ? unit.slice(1) : unit;
}

/** A median and the greater half of its interval: `21.3 ns ±2.1 %`. */
export function medianText({ value, low, high }: Shown, unit: string): string {
  const figure = figureText(value, unit);
  if (value === null || low === null || high === null || value === 0) return figure;
  const half = Math.max(high - value, value - low) / Math.abs(value);
  return `${figure} ±${percentDigits(half)} %`;
}

/** `+8.4 %`. */
export function percentText(change: number | null): string {
  return change === null ? '-' : `${signedDigits(change)} %`;
}

/** `[+6.1, +10.9]`, in percent. */
export function intervalText({ low, high }: Shown): string {
  if (low === null || high === null) return '';
  return `[${signedDigits(low)}, ${signedDigits(high)}]`;
}

function signedDigits(change: number): string {
  return `${change < 0 ? '-' : '+'}${percentDigits(Math.abs(change))}`;
}

function percentDigits(share: number): string {
  const percent = 100 * share;
  if (!Number.isFinite(percent)) return 'inf';
  return percent >= 9.95 ? percent.toFixed(0) : percent.toFixed(1);
}

export function pText(p: number | null): string {
  if (p === null) return '';
  return p < 0.001 ? '<0.001' : p.toFixed(3);
}

/** The verdict of a row, in words. */
export function verdictText({ verdict, detectable }: Pick<ComparedRow, 'verdict' | 'detectable'>): string {
  switch (verdict) {
    case 'same':
      return '~';
    case 'too noisy':
      return (detectable ?? Number.POSITIVE_INFINITY) > 1
        ? 'too noisy: over 100 %'
        : `too noisy: >= ${percentDigits(detectable ?? 1)} %`;
    case 'void':
      return 'void: a run does not hold';
    case 'worse':
    case 'better':
    case 'worse?':
    case 'better?':
    case 'n too small':
    case 'not judged':
    case 'incomplete':
    case 'not trusted':
      return verdict;
    default:
      return verdict satisfies never;
  }
}
