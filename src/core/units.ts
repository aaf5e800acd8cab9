/**
 * Parses durations, sizes, counts and ranges as people write them in options, and formats them for people to read.
 * Every error is a UsageError of one line that names the option and the value.
 */

import { UsageError } from './errors.ts';

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const NUMBER_AND_UNIT = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/;

/** Both ends included. */
export type Range = { readonly low: number; readonly high: number };

/** Turns an option's text into a number; `option` is its name as typed, `--duration`. */
export type ParseNumber = (text: string, option: string) => number;

function scaled(text: string, units: Readonly<Record<string, number>>): number | null {
  const match = NUMBER_AND_UNIT.exec(text);
  const unit = match?.[2] ?? '';
  if (match === null || !Object.hasOwn(units, unit)) return null;
  const value = Number(match[1]) * (units[unit] ?? Number.NaN);
  return Number.isFinite(value) && value <= Number.MAX_SAFE_INTEGER ? value : null;
}

/** `90s`, `2h`, `250ms`, `1.5m`, `1d` to milliseconds. The unit is required. */
export function parseDuration(text: string, option: string): number {
  const ms = scaled(text, MS_PER_UNIT);
  if (ms === null) throw expected(text, option, 'a duration such as 250ms, 90s, 5m or 2h');
  return ms;
}

/** `64KiB`, `256MiB`, `1MB`, `32` to a whole number of bytes. */
export function parseBytes(text: string, option: string): number {
  const bytes = scaled(text, BYTES_PER_UNIT);
  if (bytes === null || !Number.isInteger(bytes)) {
    throw expected(text, option, 'a size such as 32, 64KiB or 1MB');
  }
  return bytes;
}

/** Digits only: a count from 0. */
export function parseCount(text: string, option: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw expected(text, option, 'a whole number');
  return count;
}

/** A count from `low` to `high`. */
export function parseCountWithin(text: string, option: string, { low, high }: Range): number {
  const count = parseCount(text, option);
  if (count < low || count > high) {
    throw new UsageError(`${option} ${shownValue(text)}: must be from ${low} to ${high}`);
  }
  return count;
}

/** `0..1000`, or `100` for a range of one value; each end is read by `parse`. */
export function parseRange(text: string, option: string, parse: ParseNumber): Range {
  const ends = text.split('..');
  if (ends.length > 2 || ends.includes('')) throw expected(text, option, 'a number or a range A..B');
  const low = parse(ends[0] ?? '', option);
  const high = parse(ends[1] ?? ends[0] ?? '', option);
  if (low > high) throw new UsageError(`${option} ${shownValue(text)}: the range ends before it begins`);
  return { low, high };
}

/** The option's text for a range. */
export function rangeText({ low, high }: Range): string {
  return low === high ? String(low) : `${low}..${high}`;
}

function expected(text: string, option: string, what: string): UsageError {
  return new UsageError(`${option} ${shownValue(text)}: expected ${what}`);
}

/** A value as it was typed; quoted where blanks or other characters would hide what it is, and cut when it is long. */
export function shownValue(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}...` : text;
  return /^[\x21-\x7e]+$/.test(short) ? short : JSON.stringify(short);
}

/** `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Decimal units with three digits: `950 B`, `1.25 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let step = 0;
  while (value >= 999.5 && step < units.length - 1) {
    value /= 1e3;
    step += 1;
  }
  return `${threeDigits(value)} ${units[step] ?? ''}`;
}

/** `850 us`, `12.3 ms`, `4.5 s`, `2 min 5 s`, `3 h 0 min`, `2 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1) return `${threeDigits(ms * 1e3)} us`;
  if (ms < 1e3) return `${threeDigits(ms)} ms`;
  if (ms < 60_000) return `${threeDigits(ms / 1e3)} s`;
  const seconds = Math.round(ms / 1e3);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(ms / 3_600_000);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `12.3 ns`, `850 us`; from a millisecond on as `formatDuration`. */
export function formatSeconds(seconds: number): string {
  return Math.abs(seconds) < 1e-6 ? `${threeDigits(seconds * 1e9)} ns` : formatDuration(seconds * 1e3);
}

function threeDigits(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
