/** Both ends of a link in a test: a broker and clients that keep what they receive. */

import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { DEADLINE_MS, temporaryFolder } from '../../../../../src/cli/testing/test-process.ts';
import { systemClock } from '../../../../../src/core/clock.ts';
import { chooseEndpoint } from '../../../../../src/fleet/broker-address.ts';
import { until } from '../../../../../src/fleet/waiting.ts';
import { parseEndpoint } from '../../../../../src/transport/endpoint.ts';

/** One end of a connection: what it has received, and how it ended. */
export class End {
  readonly socket: Socket;
  readonly #received: Buffer[] = [];
  bytesReceived = 0;
  /** `ended`: in an orderly way; otherwise the error's code. */
  how: string | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#received.push(bytes);
      this.bytesReceived += bytes.length;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (this.how ??= error.code ?? error.message));
    socket.on('end', () => (this.how ??= 'ended'));
  }

  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** The size of each piece that was received. */
  get pieces(): readonly number[] {
    return this.#received.map(({ length }) => length);
  }
}

export class TestBroker {
  readonly ends: End[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.ends.push(new End(socket)));
  }

  static async listen(t: ExecutionContext, address: string): Promise<TestBroker> {
    const broker = new TestBroker(createServer());
    broker.#server.listen(optionsOf(address));
    await once(broker.#server, 'listening');
    t.teardown(() => broker.close());
    return broker;
  }

  async close(): Promise<void> {
    for (const { socket } of this.ends) socket.destroy();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }
}

export async function addresses(
  t: ExecutionContext,
  transport: 'ipc' | 'tcp',
): Promise<{ listen: string; broker: string; folder: string }> {
  const folder = temporaryFolder(t);
  const listen = (await chooseEndpoint(transport, folder, 'relay')).address;
  let broker = listen;
  while (broker === listen) broker = (await chooseEndpoint(transport, folder)).address;
  return { listen, broker, folder: join(folder) };
}

/** Resolves when the connection is made; rejects with the error's code when nobody listens. */
export async function dial(t: ExecutionContext, address: string): Promise<End> {
  const socket = connect(optionsOf(address));
  t.teardown(() => socket.destroy());
  const end = new End(socket);
  await once(socket, 'connect');
  return end;
}

function optionsOf(address: string): { path: string } | { host: string; port: number } {
  const endpoint = parseEndpoint(address);
  return endpoint.kind === 'ipc' ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port };
}

/** Resolves once the condition holds. */
export async function eventually(condition: () => boolean, what: () => string): Promise<void> {
  if (!(await until(condition, { clock: systemClock, timeoutMs: DEADLINE_MS })))
    throw new Error(`not in time: ${what()}`);
}
