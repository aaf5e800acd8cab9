/** Endpoints that a broker may listen on: ipc paths and loopback TCP, nothing that leaves the machine. */

import { UsageError } from '../core/errors.ts';

/** Linux `sockaddr_un.sun_path` has 108 bytes, one of them the terminator. */
const IPC_PATH_BYTES_MAX = 107;

export type Endpoint =
  | { readonly kind: 'ipc'; readonly path: string; readonly address: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly address: string };

/** Throws a UsageError with one line that says what is wrong. */
export function parseEndpoint(text: string): Endpoint {
  if (text.startsWith('ipc://')) {
    const path = text.slice('ipc://'.length);
    if (path === '' || path.startsWith('@'))
      throw new UsageError(`endpoint ${text}: ipc needs a path in the filesystem`);
    const bytes = Buffer.byteLength(path);
    if (bytes > IPC_PATH_BYTES_MAX) {
      throw new UsageError(`endpoint ${text}: the path has ${bytes} bytes, the system allows ${IPC_PATH_BYTES_MAX}`);
    }
    return { kind: 'ipc', path, address: text };
  }
  const match = /^tcp:\/\/(?<host>[^:/]+|\[[0-9a-f:]+\]):(?<port>\d{1,5})$/i.exec(text);
  const host = match?.groups?.['host'];
  const port = Number(match?.groups?.['port']);
  if (host === undefined) {
    throw new UsageError(`endpoint ${text}: expected ipc://PATH or tcp://127.0.0.1:PORT`);
  }
  if (!isLoopback(host)) throw new UsageError(`endpoint ${text}: only loopback addresses are allowed, not ${host}`);
  if (port < 1 || port > 65_535) throw new UsageError(`endpoint ${text}: the port must be from 1 to 65535`);
  return { kind: 'tcp', host, port, address: text };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
