/** Serves metrics over HTTP, only to this machine. */

import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UsageError } from '../../../src/core/errors.ts';
import { CONTENT_TYPE } from './exposition.ts';

const LOOPBACK = '127.0.0.1';
const PATH = '/metrics';
/** The longest time for a request. A slower client is cut off. */
const REQUEST_MS_MAX = 5_000;
const CONNECTIONS_MAX = 16;

export class MetricsServer {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://${LOOPBACK}:${port}${PATH}`;
  }

  /** Port 0: any free port. Throws a UsageError when it cannot listen. */
  static async start(port: number, text: () => string): Promise<MetricsServer> {
    const server = createServer({ requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX }, (asked, answer) => {
      const isKnown = asked.method === 'GET' && asked.url?.split('?')[0] === PATH;
      if (isKnown) answer.writeHead(200, { 'content-type': CONTENT_TYPE }).end(text());
      else answer.writeHead(404, { 'content-type': 'text/plain' }).end(`ask for ${PATH}\n`);
    });
    server.maxConnections = CONNECTIONS_MAX;
    server.listen(port, LOOPBACK);
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new UsageError(`--metrics-port ${port}: ${error instanceof Error ? error.message : String(error)}`);
    }
    server.on('error', () => undefined);
    return new MetricsServer(server, (server.address() as AddressInfo).port);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
