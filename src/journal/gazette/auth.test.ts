import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../../cli/testing/test-process.ts';
import { UsageError } from '../../core/errors.ts';
import { BrokerTokens, readBrokerKeys } from './auth.ts';

const KEY = Buffer.from('a key that brokers and clients share');

function parts(authorization: string): { readonly claims: Record<string, unknown>; readonly isSigned: boolean } {
  const [header = '', payload = '', signature] = authorization.replace(/^Bearer /, '').split('.');
  const expected = createHmac('sha256', KEY).update(`${header}.${payload}`).digest('base64url');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  return { claims, isSigned: signature === expected };
}

test('a token is signed with the key, and says what its bearer may do and until when', (t) => {
  const { claims, isSigned } = parts(new BrokerTokens(KEY, () => 1_700_000_000_500).authorization);
  t.true(isSigned);
  t.deepEqual(claims, { cap: 30, sel: {}, iat: 1_700_000_000, exp: 1_700_003_600 });
});

test('a token is kept while it is fresh, and never one of the future', (t) => {
  let nowMs = 1_700_000_000_000;
  const tokens = new BrokerTokens(KEY, () => nowMs);
  const first = tokens.authorization;
  nowMs += 600_000;
  t.is(tokens.authorization, first);
  nowMs += 1_000;
  const second = tokens.authorization;
  t.is(parts(second).claims['iat'], 1_700_000_601);
  nowMs -= 3_600_000;
  t.is(parts(tokens.authorization).claims['iat'], 1_699_997_001);
});

test('of several keys the first one signs, and that which is no key does not', (t) => {
  const path = join(temporaryFolder(t), 'keys');
  writeFileSync(path, `AA==, ${KEY.toString('base64')}\nc2Vjb25k\n`);
  const { text, signing } = readBrokerKeys(path, '--broker-auth-key');
  t.is(text, `AA==,${KEY.toString('base64')},c2Vjb25k`);
  t.deepEqual(signing, KEY);
});

test('a file without a key is refused, and its content is not shown', (t) => {
  const path = join(temporaryFolder(t), 'keys');
  for (const content of ['', 'AA==', 'secret!', 'c2Vjb25k abc']) {
    writeFileSync(path, content);
    const error = t.throws(() => readBrokerKeys(path, '--broker-auth-key'), { instanceOf: UsageError });
    t.is(error?.message, `--broker-auth-key ${path}: expected keys in base64, with white space or commas between`);
  }
  t.throws(() => readBrokerKeys(`${path}-missing`, '--broker-auth-key'), { message: /ENOENT/ });
});
