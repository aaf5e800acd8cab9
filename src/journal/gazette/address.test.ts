import test from 'ava';
import { UsageError } from '../../core/errors.ts';
import { PREFIX, parseEtcdAddress, parseGazetteAddress } from './address.ts';

test('an address names a broker, and the prefix of the journals where it is another', (t) => {
  const plain = parseGazetteAddress('gazette+http://127.0.0.1:8080', '--journals');
  t.deepEqual(plain, { address: 'gazette+http://127.0.0.1:8080', broker: 'http://127.0.0.1:8080', prefix: PREFIX });
  t.is(parseGazetteAddress('gazette+https://a.example/x/y/', '--journals').prefix, 'x/y/');
  t.is(parseEtcdAddress('http://10.0.0.1:2379/', '--etcd'), 'http://10.0.0.1:2379');
});

test('what is no address is refused in one line that names it', (t) => {
  for (const text of [
    '',
    'http://a:1',
    'gazette+',
    'gazette+ftp://a:1',
    'gazette+http://u@a:1',
    'gazette+http://a:1?x',
  ]) {
    const error = t.throws(() => parseGazetteAddress(text, '--journals'), { instanceOf: UsageError });
    t.is(error?.message, `--journals ${text}: expected gazette+http://HOST:PORT or gazette+https://HOST:PORT`);
  }
  t.throws(() => parseEtcdAddress('10.0.0.1:2379', '--etcd'), { instanceOf: UsageError });
});
