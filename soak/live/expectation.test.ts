import test from 'ava';
import fc from 'fast-check';
import { UsageError } from '../../src/core/errors.ts';
import { FAULT_KINDS } from '../guarantee/fault-kinds.ts';
import { parseExpectation } from './expectation.ts';
import { judgeExpectations } from './judged-expectations.ts';
import { PARTS, STEADY, histogram } from './testing/told-run.ts';

function judged(text: string, run: Partial<typeof PARTS> = {}): [isMet: boolean, measured: string] {
  const [first] = judgeExpectations([parseExpectation(text, '--expect')], { ...PARTS, ...run });
  return [first?.isMet ?? false, first?.measured ?? ''];
}

/** Of which one sum has no sample, and all have. */
const CENSORED = { outcomes: new Map([['steady' as const, { ...STEADY, sum: histogram(4, 5, 20).summary(1) }]]) };
const WHOLE = { outcomes: new Map([['steady' as const, { ...STEADY, censoredSums: 0 }]]) };

test('a bound is compared with what was measured in the phase steady, or in the phase that it names', (t) => {
  t.deepEqual(judged('p50<50ms'), [true, '5 ms']);
  t.false(judged('p50<5ms')[0]);
  t.true(judged('p50 <= 5.1ms')[0]);
  t.true(judged('steady.p50>1ms')[0]);
  t.deepEqual(judged('max<1s', WHOLE)[0], true);
  t.deepEqual(judged('rate>=20000'), [true, '20,000 chunks/s']);
  t.deepEqual(judged('rate>20000'), [false, '20,000 chunks/s']);
});

test('the recovery is the longest of all faults, or of those of one kind', (t) => {
  t.regex(judged('recovery.kill-broker<1s').join(' '), /^true 9\d\d ms$/);
  t.false(judged('recovery.kill-broker<800ms')[0]);
  t.deepEqual(judged('recovery<1h'), [false, 'not measured: a fault kill-summer has not recovered']);
  const faults = new Map([
    ['kill-broker', { injected: 2, proven: 2, recovered: 2 }],
    ['kill-summer', { injected: 1, proven: 1, recovered: 1 }],
  ]);
  t.regex(judged('recovery<1s', { faults }).join(' '), /^true 9\d\d ms$/);
  t.deepEqual(judged('recovery.kill-summer<1h', { faults }), [
    false,
    'not measured: the next fault overtook each recovery',
  ]);
});

test('what was not measured is not met, whichever way it is asked', (t) => {
  for (const [text, why] of [
    ['faults.p99<1h', /not measured: no sum in the phase faults/],
    ['faults.p99>0ms', /not measured/],
    ['p99.99<1h', /not measured: the phase steady has sums without a sample/],
    ['max<1h', /not measured: the phase steady has sums without a sample/],
    ['recovery.kill-chunker<1h', /not measured: no fault kill-chunker hit/],
    ['recovery.kill-chunker>0ms', /not measured/],
  ] as const) {
    const [isMet, measured] = judged(text, CENSORED);
    t.false(isMet, text);
    t.regex(measured, why);
  }
  t.deepEqual(judged('rate>0', { outcomes: new Map() }), [false, 'not measured: the phase steady was too short']);
  t.deepEqual(judged('recovery<1h', { faults: new Map() }), [false, 'not measured: no fault hit']);
});

for (const [text, message] of [
  ['', /^--expect "": expected a bound such as 'p99<50ms'/],
  ['p99', /expected a bound/],
  ['p99=50ms', /expected a bound/],
  ['p99<', /expected a bound/],
  ['p99<50', /^--expect "p99<50" 50: expected a duration such as/],
  ['p98<50ms', /"p98<50ms": expected one of p50, p90, p99, p99\.9, p99\.99, max, recovery, rate/],
  ['audit.p99<50ms', /"audit\.p99<50ms": expected one of/],
  ['rate>fast', /expected chunks a second, such as 1900/],
  ['recovery.kill<2s', /kill is not a kind of fault, such as kill-broker/],
] as const) {
  test(`an expectation ${JSON.stringify(text)} is refused in one line`, (t) => {
    const error = t.throws(() => parseExpectation(text, '--expect'), { instanceOf: UsageError, message });
    t.false(error.message.includes('\n'));
  });
}

test('every kind of fault can be named, and blanks do not matter', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...FAULT_KINDS), fc.integer({ min: 1, max: 9_999 }), (kind, ms) => {
      const { metric, bound, text } = parseExpectation(` recovery.${kind}  <=  ${ms}ms `, '--expect');
      t.deepEqual([metric, bound], [`recovery.${kind}`, ms * 1e6]);
      t.is(text, text.trim());
    }),
  );
});
