/**
 * Looks at the thing that an endpoint names before libzmq does. libzmq deletes whatever is at an ipc path that it binds
 * to, and for ever silently dials a path that can never answer.
 *
 * Nothing of the user's is changed. A socket at the path is replaced only when it belongs to a dead broker, which means
 * that nobody accepts its connections.
 */

import { type Stats, accessSync, constants, existsSync, lstatSync, statSync, statfsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, relative, resolve, sep } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { type Endpoint, shown } from './endpoint.ts';

/**
 * How the endpoint was given: the flag, and the data folder of the same command line, which is made with its parents
 * before the endpoint is used. Null: there is no data folder.
 */
export type Given = { readonly option: string; readonly data: string | null };

/** Throws a UsageError unless a broker can listen there. Leaves nothing behind. */
export async function checkListenable(endpoint: Endpoint, given: Given): Promise<void> {
  const { option } = given;
  if (endpoint.kind === 'tcp') {
    const host = endpoint.host.replaceAll(/[[\]]/g, '');
    return await checkBindable(endpoint, option, { host, port: endpoint.port });
  }
  const found = statOrNull(() => lstatSync(endpoint.path), endpoint, option);
  if (found === null) {
    const folder = dirname(endpoint.path);
    if (isToBeMade(folder, given.data)) return;
    checkFolder(folder, constants.W_OK, { endpoint, option });
    return await checkBindable(endpoint, option, { path: endpoint.path });
  }
  if (!found.isSocket()) throw wrong(endpoint, option, `there is ${described(found)}, and it is left as it is`);
  const inUse = await inUseBy(endpoint.path);
  if (inUse !== null) throw wrong(endpoint, option, `the path is in use by ${inUse}`);
  checkAccess(dirname(endpoint.path), constants.W_OK, { endpoint, option });
}

/** Throws a UsageError unless a broker may listen there, now or later. */
export function checkConnectable(endpoint: Endpoint, given: Given): void {
  const { option } = given;
  if (endpoint.kind === 'tcp') return;
  const found = statOrNull(() => statSync(endpoint.path), endpoint, option);
  if (found === null) {
    const folder = dirname(endpoint.path);
    if (!isToBeMade(folder, given.data)) checkFolder(folder, constants.X_OK, { endpoint, option });
    return;
  }
  if (!found.isSocket()) throw wrong(endpoint, option, `there is ${described(found)}, where no broker can listen`);
  checkAccess(endpoint.path, constants.W_OK, { endpoint, option });
}

function wrong(endpoint: Endpoint, option: string, reason: string): UsageError {
  return new UsageError(`cannot use ${option} ${shown(endpoint.address)}: ${reason}`);
}

/** Null when nothing has that name. */
function statOrNull(stat: () => Stats, endpoint: Endpoint, option: string): Stats | null {
  try {
    return stat();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw wrong(endpoint, option, messageOf(error));
  }
}

function described(found: Stats): string {
  if (found.isFile()) return 'a file';
  if (found.isDirectory()) return 'a folder';
  if (found.isSymbolicLink()) return 'a symbolic link';
  if (found.isFIFO()) return 'a named pipe';
  return 'a device';
}

/** Whether the folder is missing now and is a parent of the data folder. */
function isToBeMade(folder: string, data: string | null): boolean {
  if (data === null || existsSync(folder)) return false;
  const way = relative(resolve(folder), resolve(data));
  return way !== '..' && !way.startsWith(`..${sep}`);
}

/** Magic numbers of proc and sysfs, from linux/magic.h. */
const KERNEL_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x9fa0, 0x6265_6572]);

type Place = { readonly endpoint: Endpoint; readonly option: string };

function checkFolder(folder: string, mode: number, given: Place): void {
  const found = statOrNull(() => statSync(folder), given.endpoint, given.option);
  if (found?.isDirectory() !== true) throw wrong(given.endpoint, given.option, `there is no folder ${folder}`);
  if (KERNEL_FILE_SYSTEMS.has(statfsSync(folder).type)) {
    throw wrong(given.endpoint, given.option, `${folder} belongs to the kernel, and nothing can be made in it`);
  }
  checkAccess(folder, mode, given);
}

function checkAccess(path: string, mode: number, given: Place): void {
  try {
    accessSync(path, mode);
  } catch (error) {
    throw wrong(given.endpoint, given.option, messageOf(error));
  }
}

/** Binds, and releases the address again: only binding shows what the system says of it. */
function checkBindable(
  endpoint: Endpoint,
  option: string,
  address: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((done, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(wrong(endpoint, option, `nobody can listen there (${codeOf(error)})`)));
    // A client that dials again and again may connect just now. It is turned away, because closing would wait for it.
    server.on('connection', (socket) => socket.destroy());
    server.listen(address, () => server.close(() => done()));
  });
}

/** What accepts connections at the socket; null when nothing does, as after a kill. */
function inUseBy(path: string): Promise<string | null> {
  return new Promise((done) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      done('another process');
    });
    socket.once('error', (error) => {
      const code = codeOf(error);
      done(code === 'ECONNREFUSED' || code === 'ENOENT' ? null : `a socket of another kind (${code})`);
    });
  });
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
