/** An address at which one process of a run listens, over all its restarts: the broker, or a relay in front of it. */

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperatingError, UsageError } from '../core/errors.ts';

/** sockaddr_un holds 108 bytes, the last one a zero. */
export const IPC_PATH_BYTES_MAX: number = 107;
const PORT_ATTEMPTS = 100;
const PORT_LOWEST = 10_000;

export type Endpoint = {
  /** `ipc:///...` or `tcp://127.0.0.1:...` */
  readonly address: string;
  /** Removes the files that were made for the address. */
  remove(): Promise<void>;
};

/**
 * A socket in the data folder, or in a short temporary folder when the path would be too long; or a free local port.
 * `name` is the name of the socket's file, without its ending.
 */
export async function chooseEndpoint(
  transport: 'ipc' | 'tcp',
  dataFolder: string,
  name: string = 'broker',
): Promise<Endpoint> {
  if (transport === 'tcp') {
    return { address: `tcp://127.0.0.1:${await freePort()}`, remove: () => Promise.resolve() };
  }
  const file = `${name}.ipc`;
  const path = join(dataFolder, file);
  if (Buffer.byteLength(path) <= IPC_PATH_BYTES_MAX) {
    return { address: `ipc://${path}`, remove: () => rm(path, { force: true }) };
  }
  const folder = await temporaryFolder();
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const short = join(folder, file);
  if (Buffer.byteLength(short) <= IPC_PATH_BYTES_MAX) return { address: `ipc://${short}`, remove };
  await remove();
  throw new UsageError(`--transport: the path of a socket must be shorter than ${short}; use tcp, or a shorter TMPDIR`);
}

/** Throws a UsageError that names TMPDIR, because only TMPDIR decides where the folder is. */
async function temporaryFolder(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'stream-sum-'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`cannot use TMPDIR ${tmpdir()} for a socket, as the path of the data is too long: ${reason}`);
  }
}

/**
 * A free port below the range from which the kernel takes the ports of outgoing connections. From a port of that range,
 * a client that reconnects while the broker is down could connect to itself, and keep the broker from listening.
 */
async function freePort(): Promise<number> {
  const end = Math.max(PORT_LOWEST + 1_000, ephemeralPortsBegin());
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt += 1) {
    const port = randomInt(PORT_LOWEST, end);
    if (await isFree(port)) return port;
  }
  throw new OperatingError('ERR_NO_PORT', `no free port on 127.0.0.1 from ${PORT_LOWEST} to ${end}`);
}

function ephemeralPortsBegin(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10) || 32_768;
  } catch {
    return 32_768;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return true;
  } catch {
    return false;
  }
}
