import test from 'ava';
import fc from 'fast-check';
import { UsageError } from './errors.ts';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatSeconds,
  parseBytes,
  parseCount,
  parseCountWithin,
  parseDuration,
  parseRange,
  rangeText,
} from './units.ts';

test('durations take a unit and come out in milliseconds', (t) => {
  t.is(parseDuration('90s', '--duration'), 90_000);
  t.is(parseDuration('2h', '--duration'), 7_200_000);
  t.is(parseDuration('250ms', '--duration'), 250);
  t.is(parseDuration('1.5m', '--duration'), 90_000);
  t.is(parseDuration('1d', '--duration'), 86_400_000);
});

test('sizes take decimal and binary units and come out in whole bytes', (t) => {
  t.is(parseBytes('32', '--chunk-bytes'), 32);
  t.is(parseBytes('64KiB', '--batch-bytes'), 65_536);
  t.is(parseBytes('256MiB', '--retention'), 268_435_456);
  t.is(parseBytes('1MB', '--retention'), 1_000_000);
  t.is(parseBytes('0.5KiB', '--retention'), 512);
});

test('a bad value is one line that names the option and the value', (t) => {
  for (const bad of ['', '5', 's', '-5s', '5 s', '5sec', '1e3s', 'NaN', '9'.repeat(400), '0x10s', '5s\n']) {
    const error = t.throws(() => parseDuration(bad, '--sla'), { instanceOf: UsageError }, JSON.stringify(bad));
    t.regex(error?.message ?? '', /^--sla \S[^\n]*: expected a duration such as 250ms, 90s, 5m or 2h$/);
  }
  for (const bad of ['', 'KiB', '-1', '1.5', '64 KiB', '64kib', '1e6', '99999999999TB']) {
    const message = /^--retention \S[^\n]*: expected a size/;
    t.throws(() => parseBytes(bad, '--retention'), { instanceOf: UsageError, message }, bad);
  }
  for (const bad of ['', '-1', '1.0', '1e3', 'ten', '99999999999999999999']) {
    const message = /^--files \S[^\n]*: expected a whole number$/;
    t.throws(() => parseCount(bad, '--files'), { instanceOf: UsageError, message }, bad);
  }
  t.throws(() => parseCountWithin('0', '--files', { low: 1, high: 9 }), {
    instanceOf: UsageError,
    message: '--files 0: must be from 1 to 9',
  });
});

test('ranges include both ends, and one value is a range', (t) => {
  t.deepEqual(parseRange('0..1000', '--chunks', parseCount), { low: 0, high: 1000 });
  t.deepEqual(parseRange('100', '--chunks', parseCount), { low: 100, high: 100 });
  t.deepEqual(parseRange('1..64KiB', '--chunk-bytes', parseBytes), { low: 1, high: 65_536 });
  for (const bad of ['..', '1..', '..1', '2..1', '1..2..3', '1...3', '1-3']) {
    const message = /^--chunks \S+: (expected|the range)/;
    t.throws(() => parseRange(bad, '--chunks', parseCount), { instanceOf: UsageError, message }, bad);
  }
});

test('a range survives its own text', (t) => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (a, b) => {
      const range = { low: Math.min(a, b), high: Math.max(a, b) };
      t.deepEqual(parseRange(rangeText(range), '--chunks', parseCount), range);
    }),
  );
});

test('any text is either a number of bytes or a UsageError', (t) => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        t.true(Number.isSafeInteger(parseBytes(text, '--x')));
      } catch (error) {
        t.true(error instanceof UsageError);
        t.false(error instanceof Error && error.message.includes('\n'));
      }
    }),
  );
});

test('people read counts with commas, sizes and durations with three digits', (t) => {
  t.is(formatCount(0), '0');
  t.is(formatCount(999), '999');
  t.is(formatCount(1_234_567.4), '1,234,567');
  t.is(formatBytes(950), '950 B');
  t.is(formatBytes(1_250_000), '1.25 MB');
  t.is(formatBytes(100e6), '100 MB');
  t.is(formatBytes(999_999), '1 MB');
  t.is(formatDuration(0.85), '850 us');
  t.is(formatDuration(12.34), '12.3 ms');
  t.is(formatDuration(4_500), '4.5 s');
  t.is(formatDuration(125_000), '2 min 5 s');
  t.is(formatDuration(3 * 3_600_000), '3 h 0 min');
  t.is(formatDuration(52 * 3_600_000), '2 d 4 h');
});

test('seconds are written in the unit that fits, from nanoseconds up', (t) => {
  t.is(formatSeconds(31.24e-9), '31.2 ns');
  t.is(formatSeconds(2.5e-6), '2.5 us');
  t.is(formatSeconds(0.0042), '4.2 ms');
  t.is(formatSeconds(1.5), '1.5 s');
});
