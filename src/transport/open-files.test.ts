/** Processes that may open few files: each says so in one line, or works with them. libzmq alone would abort them. */

import { type Socket, createConnection } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { TestProcess, temporaryFolder, within } from '../cli/testing/test-process.ts';
import { freePort } from './testing/free-port.ts';

test.serial('a component that may open too few files for its links ends with one line that says so', async (t) => {
  const folder = temporaryFolder(t);
  const endpoint = `ipc://${join(folder, 'socket')}`;
  const broker = new TestProcess(t, ['broker', '--data', join(folder, 'broker'), '--listen', endpoint]);
  await broker.ready();
  const other = `ipc://${join(folder, 'other')}`;
  const commands = [
    ['broker', '--data', join(folder, 'b'), '--listen', other],
    ['broker', '--data', join(folder, 'b'), '--listen', `tcp://127.0.0.1:${await freePort()}`],
    ['summer', '--data', join(folder, 's'), '--connect', endpoint, '--partitions', '0'],
    ['chunker', '--data', join(folder, 'c'), '--connect', endpoint],
  ];
  for (const argv of commands) {
    for (const openFilesMax of argv[0] === 'broker' ? [64, 200] : [64]) {
      const limited = new TestProcess(t, argv, { openFilesMax });
      t.like(await limited.exit(), { signal: null }, `${argv[0]} with ${openFilesMax}`);
      t.is(limited.child.exitCode, 1);
      t.is(limited.stderr.length, 1, limited.stderr.join('\n'));
      t.regex(
        limited.lastMessage,
        /needs \d+ more open files, and only \d+ are available: raise the limit \(ulimit -n\)/,
      );
    }
  }
  t.false(broker.isOver);
});

/** Resolves when the connection is made or refused. */
function connect(t: ExecutionContext, target: string | number): Promise<Socket> {
  return new Promise((resolve) => {
    const done = (): void => resolve(socket);
    const socket =
      typeof target === 'string' ? createConnection(target, done) : createConnection(target, '127.0.0.1', done);
    socket.on('error', done);
    t.teardown(() => socket.destroy());
  });
}

for (const kind of ['ipc', 'tcp'] as const) {
  test.serial(`over ${kind}, more connections than a broker may open files do not end it`, async (t) => {
    const folder = temporaryFolder(t);
    const target = kind === 'ipc' ? join(folder, 'socket') : await freePort();
    const endpoint = kind === 'ipc' ? `ipc://${target}` : `tcp://127.0.0.1:${target}`;
    const openFilesMax = 400;
    const broker = new TestProcess(t, ['broker', '--data', join(folder, 'broker'), '--listen', endpoint], {
      openFilesMax,
    });
    await broker.ready();
    const sockets: Socket[] = [];
    for (let wave = 0; wave < 30; wave += 1) {
      sockets.push(...(await Promise.all(Array.from({ length: openFilesMax / 20 }, () => connect(t, target)))));
    }
    for (const socket of sockets) socket.destroy();
    const summer = new TestProcess(t, [
      'summer',
      '--data',
      join(folder, 's'),
      '--connect',
      endpoint,
      '--partitions',
      '0',
    ]);
    await within(summer.ready(), () => broker.stderr.join('\n'));
    t.false(broker.isOver, broker.stderr.join('\n'));
  });
}
