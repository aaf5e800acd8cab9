/** The `transport` suite: batches over ZeroMQ to another process that acknowledges each one, over ipc and tcp. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperatingError, ViolationError } from '../../src/core/errors.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';
import { crc32c } from '../../src/hash/crc32c.ts';
import { chooseEndpoint, type Endpoint } from '../../src/fleet/broker-address.ts';
import { parseEndpoint } from '../../src/transport/endpoint.ts';
import type { ClientLink } from '../../src/transport/transport.ts';
import { ZeromqDialer } from '../../src/transport/zeromq-link.ts';
import { SCALES } from '../harness/scales.ts';
import type { Scale, Suite, Task } from '../harness/task.ts';
import { timedTask } from '../harness/timed-task.ts';
import { WorkerProcess } from '../harness/worker-process.ts';

export type SinkRequest = { readonly request: 'counts' };
/** Counts since the last request. */
export type SinkCounts = { readonly messages: number; readonly bytes: number; readonly lastChecksum: number };

const SINK = fileURLToPath(new URL('./sink.js', import.meta.url));
/** Messages that are not acknowledged at a time: as many as a chunker with 8 partitions has under way. */
const WINDOW = 32;
const ROUND_TRIP_BYTES = 100;

export async function createTransportSuite(options: {
  readonly dataFolder: string;
  readonly scale: Scale;
}): Promise<Suite> {
  const { dataFolder, scale } = options;
  const lines: Line[] = [];
  for (const transport of ['ipc', 'tcp'] as const) lines.push(await Line.open(transport, join(dataFolder, transport)));
  const { batchBytes, callBytes } = SCALES[scale].transport;
  return {
    name: 'transport',
    tasks: lines.flatMap((line) => [
      roundTripTask(line),
      ...batchBytes.map((bytes) => batchTask(line, bytes, callBytes)),
    ]),
    close: async () => {
      for (const line of lines) await line.close();
    },
  };
}

function roundTripTask(line: Line): Task {
  const message = randomBytes(ROUND_TRIP_BYTES);
  return timedTask({
    benchmark: 'round-trip',
    parameters: { transport: line.transport, bytes: ROUND_TRIP_BYTES },
    metric: 'round_trip_time_s',
    operations: 1,
    isAsync: true,
    run: () => line.send(message, 1),
    check: () => line.check(),
  });
}

export function batchTask(line: Line, bytes: number, callBytes: number): Task {
  const message = randomBytes(bytes);
  const count = Math.ceil(callBytes / bytes);
  return timedTask({
    benchmark: 'batches',
    parameters: { transport: line.transport, bytes },
    metric: 'batch_time_s',
    operations: count,
    isAsync: true,
    run: () => line.send(message, count),
    check: () => line.check(),
  });
}

/** One connection to a separate sink. */
export class Line {
  readonly transport: 'ipc' | 'tcp';
  readonly #sink: WorkerProcess<SinkRequest, SinkCounts>;
  readonly #endpoint: Endpoint;
  readonly #link: ClientLink;
  #onAcknowledged: () => void = () => undefined;
  #onDown: (error: OperatingError) => void = () => undefined;
  /** Counts since the last check. */
  #messages = 0;
  #bytes = 0;
  #last: Buffer = Buffer.alloc(0);

  private constructor(transport: 'ipc' | 'tcp', sink: WorkerProcess<SinkRequest, SinkCounts>, endpoint: Endpoint) {
    this.transport = transport;
    this.#sink = sink;
    this.#endpoint = endpoint;
    this.#link = new ZeromqDialer(parseEndpoint(endpoint.address)).dial(randomBytes(16).toString('hex'), {
      onMessage: () => this.#onAcknowledged(),
      onDown: (reason) => this.#onDown(new OperatingError('ERR_BENCH_LINK', `${transport}: ${reason}`)),
    });
  }

  static async open(transport: 'ipc' | 'tcp', folder: string): Promise<Line> {
    makeFoldersSync(folder);
    const endpoint = await chooseEndpoint(transport, folder);
    const argv = [endpoint.address];
    const sink = await WorkerProcess.start<SinkRequest, SinkCounts>({ name: transport, modulePath: SINK, argv });
    return new Line(transport, sink, endpoint);
  }

  /** Sends a message `count` times within the window, and waits until all are acknowledged. */
  async send(message: Buffer, count: number): Promise<void> {
    let sent = 0;
    let acknowledged = 0;
    await new Promise<void>((resolve, reject) => {
      this.#onDown = reject;
      const fill = (): void => {
        for (; sent < count && sent - acknowledged < WINDOW; sent += 1) this.#link.send([message]);
      };
      this.#onAcknowledged = () => {
        acknowledged += 1;
        if (acknowledged === count) resolve();
        else fill();
      };
      fill();
    });
    this.#messages += count;
    this.#bytes += count * message.length;
    this.#last = message;
  }

  /** Throws a ViolationError unless the sink has got exactly what was sent since the last check. */
  async check(): Promise<void> {
    const seen = await this.#sink.ask({ request: 'counts' });
    const expected = { messages: this.#messages, bytes: this.#bytes, lastChecksum: crc32c(0, this.#last) };
    this.#messages = 0;
    this.#bytes = 0;
    if (expected.messages === 0) return;
    if (JSON.stringify(seen) !== JSON.stringify(expected)) {
      const detail = `${this.transport}: ${JSON.stringify(expected)} was sent and ${JSON.stringify(seen)} arrived`;
      throw new ViolationError('lost', detail);
    }
  }

  async close(): Promise<void> {
    // The sink ends first, because it would report a client that leaves as unreachable.
    await this.#sink.end();
    this.#link.close();
    await this.#endpoint.remove();
  }
}
