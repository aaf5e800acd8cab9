/** Endpoints that a broker may listen on: ipc paths and loopback TCP. None of them leaves the machine. */

import { isIPv4 } from 'node:net';
import { UsageError } from '../core/errors.ts';

/** Linux `sockaddr_un.sun_path` has 108 bytes, one of them the terminator. */
const IPC_PATH_BYTES_MAX = 107;

/**
 * `address` is what libzmq gets: `localhost`, which libzmq cannot bind to, is resolved, and leading zeros of the port
 * are removed.
 */
export type Endpoint =
  | { readonly kind: 'ipc'; readonly path: string; readonly address: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly address: string };

/**
 * `option` is the flag that gave the endpoint. Throws a UsageError of one line with the flag, the text and the fault.
 */
export function parseEndpoint(text: string, option = 'endpoint'): Endpoint {
  const wrong = (reason: string): UsageError => new UsageError(`${option} ${shown(text)}: ${reason}`);
  if (text.startsWith('ipc://')) {
    const path = text.slice('ipc://'.length);
    if (path === '' || path.startsWith('@')) throw wrong('ipc needs a path in the filesystem');
    // libzmq would read it as "any path", and listen at a path that nobody knows.
    if (path === '*') throw wrong('ipc needs a path in the filesystem, not a wildcard');
    const bytes = Buffer.byteLength(path);
    if (bytes > IPC_PATH_BYTES_MAX) {
      throw wrong(`the path has ${bytes} bytes, the system allows ${IPC_PATH_BYTES_MAX}`);
    }
    return { kind: 'ipc', path, address: text };
  }
  const match = /^tcp:\/\/(?<host>[^:/]+|\[[0-9a-f:]+\]):(?<port>\d{1,5})$/i.exec(text);
  const host = match?.groups?.['host'];
  const port = Number(match?.groups?.['port']);
  if (host === undefined) throw wrong('expected the endpoint ipc://PATH or tcp://127.0.0.1:PORT');
  if (!isLoopback(host)) throw wrong(`only loopback addresses are allowed, not ${host}`);
  if (port < 1 || port > 65_535) throw wrong('the port must be from 1 to 65535');
  return { kind: 'tcp', host, port, address: `tcp://${host === 'localhost' ? '127.0.0.1' : host}:${port}` };
}

/** The text as it was typed; in quotes if it would not stay on one line. */
export function shown(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return /[\u0000-\u001f\u007f]/.test(text) ? JSON.stringify(text) : text;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));
}
