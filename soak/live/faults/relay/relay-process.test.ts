import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { within } from '../../../../src/cli/testing/test-process.ts';
import { assert } from '../../../../src/core/assert.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import type { Failure } from '../../../../src/fleet/exit-judgement.ts';
import { DIRECTIONS, PASS } from './link-mode.ts';
import { RelayedLinks } from './relayed-links.ts';
import { RelayProcess } from './relay-process.ts';
import { addresses, dial, eventually, TestBroker } from './testing/ends.ts';

const MAIN = fileURLToPath(new URL('./relay-main.js', import.meta.url));

type Relayed = { links: RelayedLinks; broker: TestBroker; failures: Failure[] };

async function relayed(t: ExecutionContext, transport: 'ipc' | 'tcp', names: readonly string[]): Promise<Relayed> {
  const { broker: address, folder } = await addresses(t, transport);
  const broker = await TestBroker.listen(t, address);
  const failures: Failure[] = [];
  const links = await RelayedLinks.start({
    transport,
    folder,
    broker: address,
    links: names,
    clock: systemClock,
    logPath: join(folder, 'relay.log'),
    onFailure: (failure) => failures.push(failure),
  });
  t.teardown(() => links.close());
  return { links, broker, failures };
}

for (const transport of ['ipc', 'tcp'] as const) {
  test(`${transport}: each client has a link of its own, and one, several or all are hit`, async (t) => {
    const names = ['chunker-0', 'summer-0', 'auditor'];
    const { links, broker, failures } = await relayed(t, transport, names);
    t.is(new Set(names.map((name) => links.endpointOf(name))).size, 3);
    const ends = await Promise.all(names.map((name) => dial(t, links.endpointOf(name))));
    await eventually(
      () => broker.ends.length === 3,
      () => 'three connections',
    );
    const mode = { mode: 'drop', directions: DIRECTIONS } as const;
    await links.relay.set(['chunker-0', 'auditor'].map((link) => ({ link, mode, seed: 1 })));
    for (const end of ends) end.socket.write('12345');
    await eventually(
      () => broker.ends.some(({ bytesReceived }) => bytesReceived === 5),
      () => 'the bytes of the one that is not hit',
    );
    let dropped: readonly number[] = [];
    while (dropped.reduce((total, bytes) => total + bytes, 0) < 10) {
      dropped = (await links.relay.counters(names)).map((counters) => counters['to-broker'].bytesDropped);
    }
    t.deepEqual(dropped, [5, 0, 5]);
    t.is(
      broker.ends.reduce((total, { bytesReceived }) => total + bytesReceived, 0),
      5,
    );
    await links.relay.set(names.map((link) => ({ link, mode: PASS, seed: 1 })));
    t.deepEqual(
      (await links.relay.counters(names)).map(({ connectionsReset }) => connectionsReset),
      [1, 0, 1],
    );
    t.deepEqual(failures, []);
  });
}

test('a client that joins gets a link, and a link that is not there is no link', async (t) => {
  const { links, broker } = await relayed(t, 'tcp', ['summer-0']);
  await links.open('spare-0');
  await dial(t, links.endpointOf('spare-0'));
  await eventually(
    () => broker.ends.length === 1,
    () => 'the connection',
  );
  t.throws(() => links.endpointOf('nobody'), { code: 'ERR_RELAY' });
  await t.throwsAsync(links.relay.set([{ link: 'nobody', mode: PASS, seed: 1 }]), {
    message: 'there is no link nobody',
  });
});

test('a relay that dies fails the run by name, and whoever asks it is told', async (t) => {
  const { links, failures } = await relayed(t, 'ipc', ['summer-0']);
  const { pid } = links.relay;
  assert(pid !== null, 'the relay runs');
  process.kill(pid, 'SIGKILL');
  await eventually(
    () => failures.length > 0,
    () => 'the failure',
  );
  t.like(failures[0], { process: 'relay', exitCode: null });
  t.regex(failures[0]?.what ?? '', /^pid \d+ was ended by SIGKILL: no process of the run can reach the broker/);
  await t.throwsAsync(links.relay.counters(['summer-0']), { code: 'ERR_RELAY', message: /the relay is gone: pid/ });
});

test('a relay that is closed is no failure', async (t) => {
  const { folder } = await addresses(t, 'ipc');
  const failures: Failure[] = [];
  const logPath = join(folder, 'relay.log');
  const relay = new RelayProcess({ clock: systemClock, logPath, onFailure: (failure) => failures.push(failure) });
  await relay.close();
  t.deepEqual(failures, []);
});

test('a relay ends with the harness, and connections with it', async (t) => {
  const { listen, broker: address } = await addresses(t, 'tcp');
  await TestBroker.listen(t, address);
  const relay = spawn(process.execPath, [MAIN], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => relay.kill('SIGKILL'));
  relay.stdin.write(`${JSON.stringify({ id: 1, command: 'open', link: 'summer-0', listen, broker: address })}\n`);
  await within(once(relay.stdout, 'data'), () => 'the answer');
  const client = await dial(t, listen);
  relay.stdin.end();
  t.deepEqual(await within(once(relay, 'exit'), () => 'the end of the relay'), [0, null]);
  await eventually(
    () => client.how !== null,
    () => 'the end of the connection',
  );
});

test('what is no command ends the relay', async (t) => {
  for (const line of [
    '{}',
    'drop it',
    '{"id":1,"command":"set","settings":[{"link":"a","mode":{"mode":"lose"},"seed":1}]}',
  ]) {
    const relay = spawn(process.execPath, [MAIN], { stdio: ['pipe', 'ignore', 'ignore'] });
    relay.stdin.write(`${line}\n`);
    const [code] = await within(once(relay, 'exit'), () => 'the end of the relay');
    t.is(code, 1, line);
  }
});
