import test from 'ava';
import { UsageError } from '../../core/errors.ts';
import { PREFIX, parseEtcdAddress, parseGazetteAddress } from './address.ts';

test('an address names a broker, and the prefix of the journals where it is another', (t) => {
  const plain = parseGazetteAddress('gazette+http://127.0.0.1:8080', '--journals');
  t.deepEqual(plain, { address: 'gazette+http://127.0.0.1:8080', brokers: ['http://127.0.0.1:8080'], prefix: PREFIX });
  t.is(parseGazetteAddress('gazette+https://a.example/x/y/', '--journals').prefix, 'x/y/');
  t.deepEqual(parseEtcdAddress('http://10.0.0.1:2379/', '--etcd'), ['http://10.0.0.1:2379']);
  const several = parseGazetteAddress('gazette+http://a:1,http://b:2,c:3/x', '--journals');
  t.deepEqual([several.brokers, several.prefix], [['http://a:1', 'http://b:2', 'http://c:3'], 'x/']);
  t.deepEqual(parseEtcdAddress('https://a:1,b:2', '--etcd'), ['https://a:1', 'https://b:2']);
});

test('what is no address is refused in one line that names it', (t) => {
  for (const text of [
    '',
    'http://a:1',
    'gazette+',
    'gazette+ftp://a:1',
    'gazette+http://u@a:1',
    'gazette+http://a:1?x',
    'gazette+http://a:1,',
    'gazette+http://a:1/x,b:2',
  ]) {
    const error = t.throws(() => parseGazetteAddress(text, '--journals'), { instanceOf: UsageError });
    const expected = 'expected gazette+http://HOST:PORT or gazette+https://HOST:PORT, or several HOST:PORT with commas';
    t.is(error?.message, `--journals ${text}: ${expected}`);
  }
  t.throws(() => parseEtcdAddress('10.0.0.1:2379', '--etcd'), { instanceOf: UsageError });
});
