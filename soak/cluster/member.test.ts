/** A member of a cluster as a process, with a small server in its place. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { delay, systemClock } from '../../src/core/clock.ts';
import { Child } from '../../src/fleet/child.ts';
import { processState } from '../../src/fleet/process-usage.ts';
import { Member } from './member.ts';

const DEADLINE_MS = 60_000;
/** Answers as long as it runs, ends with 0 on SIGTERM, and with 3 when `/end` is asked for. */
const SERVER = `const server = require('node:http').createServer((request, response) => {
  response.end('ok');
  if (request.url === '/end') process.exit(3);
}).listen(Number(process.argv[1]), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));`;

type Scene = { readonly member: Member; readonly seen: string[]; readonly url: string };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('a server has a port');
  return address.port;
}

async function begin(t: ExecutionContext, { isKept }: { readonly isKept: boolean }): Promise<Scene> {
  const folder = temporaryFolder(t);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const seen: string[] = [];
  const member = new Member({
    program: {
      name: 'broker-1',
      number: 101,
      address: '127.0.0.1',
      file: process.execPath,
      args: () => ['-e', SERVER, String(port)],
      folder,
      environment: {},
      health: `${url}/health`,
      ports: [port],
    },
    laboratory: {
      seen: (path) => path,
      start: (_, { file, args, environment, output }) =>
        new Child({ argv: [file, ...args], stdio: ['ignore', output, output], environment }),
    },
    logsFolder: folder,
    clock: systemClock,
    isKept,
    events: {
      onExit: ({ code, signal }) => seen.push(`exit ${signal ?? code}`),
      onReady: () => seen.push('ready'),
      onAnswer: () => seen.push('answer'),
      onEnded: (line) => seen.push(line),
    },
  });
  t.teardown(async () => {
    member.close();
    await member.kill();
  });
  void member.watch();
  member.start();
  await until(() => member.isReady);
  return { member, seen, url };
}

async function until(isSo: () => boolean): Promise<void> {
  const deadlineNs = systemClock.nowNs() + DEADLINE_MS * 1e6;
  while (!isSo()) {
    if (systemClock.nowNs() > deadlineNs) throw new Error(`it did not happen in time: ${isSo.toString()}`);
    await delay(systemClock, 20);
  }
}

/** Everything that was seen, except answers. */
function without(seen: readonly string[]): string[] {
  return seen.filter((what) => what !== 'answer');
}

test('a member that is killed stays down until it is started', async (t) => {
  const { member, seen } = await begin(t, { isKept: true });
  await member.kill();
  t.is(member.pid, null);
  t.false(member.isReady);
  member.start();
  await until(() => member.isReady);
  t.deepEqual(without(seen), ['ready', 'exit SIGKILL', 'ready']);
});

test('a member that is asked to end is started again, and nothing is told of it', async (t) => {
  const { member, seen } = await begin(t, { isKept: true });
  const { pid } = member;
  member.restart();
  await until(() => member.isReady && member.pid !== pid);
  t.deepEqual(without(seen), ['ready', 'exit 0', 'ready']);
});

test('a member that ends by itself is told, and started again where it is kept', async (t) => {
  for (const isKept of [true, false]) {
    const { member, seen, url } = await begin(t, { isKept });
    const { pid } = member;
    await fetch(`${url}/end`).catch(() => undefined);
    await until(() => seen.includes('exit 3'));
    if (isKept) await until(() => member.isReady && member.pid !== pid);
    const line = 'broker-1 exited with 3, and nobody had ended it: see broker-1.log';
    t.deepEqual(without(seen), ['ready', 'exit 3', line, ...(isKept ? ['ready'] : [])]);
    t.is(member.pid === null, !isKept);
  }
});

test('a member that is paused does not answer, and what it was asked before does not count', async (t) => {
  const { member, seen } = await begin(t, { isKept: true });
  const asked = member.ask();
  member.pause();
  await asked;
  await until(() => processState(member.pid ?? 0) === 'T');
  seen.length = 0;
  await member.ask();
  t.deepEqual(seen, []);
  member.resume();
  await until(() => seen.includes('answer'));
  t.deepEqual(without(seen), []);
});
