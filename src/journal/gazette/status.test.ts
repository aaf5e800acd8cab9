import test from 'ava';
import { grpcError } from './testing/fake-cluster.ts';
import { STATUS, isDeadline, meaningOfError, meaningOfStatus, statusName } from './status.ts';

test('every status has a meaning, and only OK means that it is done', (t) => {
  for (const [name, status] of Object.entries(STATUS)) {
    t.is(statusName(status), name);
    t.is(meaningOfStatus(status) === 'done', name === 'OK', name);
  }
  t.is(meaningOfStatus(STATUS.JOURNAL_NOT_FOUND), 'missing');
  t.is(meaningOfStatus(STATUS.INSUFFICIENT_JOURNAL_BROKERS), 'later');
  t.is(meaningOfStatus(STATUS.INDEX_HAS_GREATER_OFFSET), 'lost');
  t.is(meaningOfStatus(STATUS.REGISTER_MISMATCH), 'mismatch');
});

test('a status of a later version leaves it unknown what became of the request', (t) => {
  t.is(meaningOfStatus(99), 'unknown');
  t.is(statusName(99), 'status 99');
});

test('a code of gRPC leaves an append unknown, unless the request was refused before it was looked at', (t) => {
  const refused = new Set([3, 7, 8, 12, 16]);
  for (let code = 1; code <= 16; code += 1) {
    t.is(meaningOfError({ code }), refused.has(code) ? 'rejected' : 'unknown', String(code));
  }
  t.is(meaningOfError(grpcError(8, 'etcdserver: mvcc: database space exceeded')), 'rejected');
  t.is(meaningOfError(grpcError(8, 'etcdserver: too many requests')), 'unknown');
  t.is(meaningOfError(grpcError(8, 'Bandwidth exhausted or memory limit exceeded')), 'unknown');
  t.true(isDeadline({ code: 4 }));
  t.false(isDeadline({ code: 14 }));
});

test('what is no error of gRPC is thrown on', (t) => {
  const bug = new TypeError('no function');
  t.is(
    t.throws(() => meaningOfError(bug)),
    bug,
  );
});
