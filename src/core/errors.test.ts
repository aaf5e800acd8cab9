import test from 'ava';
import { assert, isCount, unreachable } from './assert.ts';
import { EXIT, FencedError, InvariantError, OperatingError, UsageError, ViolationError, exitCodeOf } from './errors.ts';

test('every error ends the process with its own exit code', (t) => {
  t.is(exitCodeOf(new ViolationError('lost', 'x')), 10);
  t.is(exitCodeOf(new UsageError('x')), 2);
  t.is(exitCodeOf(new FencedError('x')), 12);
  t.is(exitCodeOf(new OperatingError('ERR_X', 'x')), 1);
  t.is(exitCodeOf(new InvariantError('x')), 1);
  t.is(exitCodeOf(new TypeError('x')), 1);
  t.is(exitCodeOf('not an error'), 1);
  t.is(exitCodeOf(undefined), 1);
});

test('an exit code never changes its meaning', (t) => {
  t.deepEqual(EXIT, { holds: 0, internal: 1, usage: 2, inconclusive: 3, violation: 10, regression: 11, fenced: 12 });
});

test('the line of a violation names kind, journal, offset, file and index, in this order', (t) => {
  const witness = { index: 7, file: 'ab'.repeat(16), offset: 4096, journal: 'sums' };
  t.is(
    new ViolationError('mismatched', 'the sum is wrong', witness).line,
    `violation=mismatched journal=sums offset=4096 file=${'ab'.repeat(16)} index=7 the sum is wrong`,
  );
});

test('the line of a violation leaves out what is not known, and keeps zeros', (t) => {
  t.is(new ViolationError('leak', 'it grows').line, 'violation=leak it grows');
  t.is(
    new ViolationError('gap', 'a hole', { journal: 'sums', offset: 0, index: 0 }).line,
    'violation=gap journal=sums offset=0 index=0 a hole',
  );
});

test('errors carry their code, their cause and a name of their own', (t) => {
  const cause = new Error('ENOSPC');
  const error = new OperatingError('ERR_STORE_COMMIT', 'the commit failed', { cause });
  t.is(error.code, 'ERR_STORE_COMMIT');
  t.is(error.cause, cause);
  const errors = [error, new ViolationError('gap', 'x'), new UsageError('x'), new FencedError('x')];
  t.deepEqual(
    errors.map(({ name }) => name),
    ['OperatingError', 'ViolationError', 'UsageError', 'FencedError'],
  );
  t.true(errors.every((each) => each instanceof Error && each.stack !== undefined));
});

test('an assertion that fails is an invariant error with its message, one that holds does nothing', (t) => {
  t.notThrows(() => assert(true, 'never'));
  t.throws(() => assert(false, 'the sky is blue'), { instanceOf: InvariantError, message: 'the sky is blue' });
  t.throws(() => unreachable('a value' as never), { instanceOf: InvariantError, message: /"a value"/ });
});

test('a count is an integer from 0 that a double holds exactly', (t) => {
  for (const count of [0, 1, Number.MAX_SAFE_INTEGER]) t.true(isCount(count), `${count}`);
  for (const odd of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', 1n, null, undefined, {}]) {
    t.false(isCount(odd));
  }
});
