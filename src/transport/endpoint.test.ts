import test from 'ava';
import { UsageError } from '../core/errors.ts';
import { parseEndpoint } from './endpoint.ts';

test('ipc paths and loopback ports are endpoints', (t) => {
  t.deepEqual(parseEndpoint('ipc:///tmp/a b'), { kind: 'ipc', path: '/tmp/a b', address: 'ipc:///tmp/a b' });
  for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '[::1]']) {
    t.like(parseEndpoint(`tcp://${host}:5555`), { kind: 'tcp', host, port: 5555 });
  }
  t.notThrows(() => parseEndpoint('tcp://127.0.0.1:65535'));
  t.notThrows(() => parseEndpoint(`ipc://${'x'.repeat(107)}`));
});

test('everything else is a usage error that shows it', (t) => {
  const wrong = [
    '',
    'tcp://',
    'tcp://127.0.0.1',
    'tcp://127.0.0.1:0',
    'tcp://127.0.0.1:65536',
    'tcp://127.0.0.1:5555/more',
    'tcp://0.0.0.0:5555',
    'tcp://10.0.0.1:5555',
    'tcp://1270.0.0.1:5555',
    'tcp://127.0.0.1.example.com:5555',
    'tcp://[::]:5555',
    'tcp://*:5555',
    'inproc://x',
    'ipc://',
    'ipc://@abstract',
    'ipc://*',
    'tcp://127.256.0.1:5555',
    'tcp://127.0.0.1:5555;tcp',
    `ipc://${'x'.repeat(108)}`,
    `ipc://${'é'.repeat(54)}`,
  ];
  for (const text of wrong) {
    const error = t.throws(() => parseEndpoint(text), { instanceOf: UsageError }, text);
    t.true(error?.message.includes(text), error?.message);
    t.false(error?.message.includes('\n'));
  }
});
