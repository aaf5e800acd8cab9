import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'ava';
import { chooseEndpoint, IPC_PATH_BYTES_MAX } from './broker-address.ts';

test('a short data folder holds the socket itself', async (t) => {
  const { address } = await chooseEndpoint('ipc', '/data');
  t.is(address, 'ipc:///data/broker.ipc');
});

test('a long one has it in a temporary folder, which is removed with it', async (t) => {
  const endpoint = await chooseEndpoint('ipc', `/${'long/'.repeat(30)}`);
  const path = endpoint.address.slice('ipc://'.length);
  t.true(Buffer.byteLength(path) <= IPC_PATH_BYTES_MAX);
  t.true(existsSync(dirname(path)));
  await endpoint.remove();
  t.false(existsSync(dirname(path)));
});

test('a TCP port is on loopback, and none that the kernel gives to outgoing connections', async (t) => {
  const { address } = await chooseEndpoint('tcp', '/data');
  const port = Number(/^tcp:\/\/127\.0\.0\.1:(\d+)$/.exec(address)?.[1]);
  t.true(port >= 10_000 && port < 65_536);
});
