/** Processes that may open few files. */

import { type Socket, createConnection } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { TestProcess, temporaryFolder, within } from '../../cli/testing/test-process.ts';
import { freePort } from './free-port.ts';

/** Whoever listens, or connects to the `ipc` endpoint of a broker that runs. */
type Limited = {
  readonly component: 'broker' | 'summer' | 'chunker';
  readonly kind: 'ipc' | 'tcp';
  readonly openFilesMax: number;
};

/** Each of these components ends with one line that says that it may open too few files. */
export async function tooFewFilesAreSaid(t: ExecutionContext, all: readonly Limited[]): Promise<void> {
  const folder = temporaryFolder(t);
  const endpoint = `ipc://${join(folder, 'socket')}`;
  const broker = new TestProcess(t, ['broker', '--data', join(folder, 'broker'), '--listen', endpoint]);
  await broker.ready();
  for (const { component, kind, openFilesMax } of all) {
    const other = kind === 'ipc' ? `ipc://${join(folder, 'other')}` : `tcp://127.0.0.1:${await freePort()}`;
    const link = component === 'broker' ? ['--listen', other] : ['--connect', endpoint];
    const more = component === 'summer' ? ['--partitions', '0'] : [];
    const argv = [component, '--data', join(folder, component[0] ?? ''), ...link, ...more];
    const limited = new TestProcess(t, argv, { openFilesMax });
    t.like(await limited.exit(), { signal: null }, `${component} with ${openFilesMax}`);
    t.is(limited.child.exitCode, 1);
    t.is(limited.stderr.length, 1, limited.stderr.join('\n'));
    t.regex(
      limited.lastMessage,
      /needs \d+ more open files, and only \d+ are available: raise the limit \(ulimit -n\)/,
    );
  }
  t.false(broker.isOver);
}

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

/** A broker to which more connections are made than it may open files goes on. */
export async function connectionsDoNotEndIt(t: ExecutionContext, kind: 'ipc' | 'tcp'): Promise<void> {
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
}
