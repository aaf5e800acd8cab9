/**
 * The one import of the gRPC library: connections to brokers and to etcd, and one function for each call that the
 * engine makes. Every call has a deadline. The library is an optional peer, imported on first use.
 */

import { fileURLToPath } from 'node:url';
import type { CallOptions, ChannelCredentials, ClientReadableStream, Metadata } from '@grpc/grpc-js';
import { OperatingError, UsageError } from '../../core/errors.ts';
import { BrokerTokens } from './auth.ts';
import { Members } from './members.ts';
import { STATUS, isDeadline } from './status.ts';
import type * as wire from './wire.ts';

/** Deadline of everything but a read that waits for more. Longer than a lease of a broker, which is 20 s. */
export const CALL_MS = 30_000;
/** Deadline of a request to etcd: then another member is asked. */
const ETCD_MS = 5_000;
/** Deadline of a list of fragments: a broker that is away is not waited for. */
const FRAGMENTS_MS = 3_000;
/** Deadline of a read that waits for more: then it is opened again. */
export const READ_MS = 20_000;
/** Bytes that a peer may send on a connection, and in a call, before it is told that they were taken. */
const FLOW_BYTES = 1024 * 1024;
/** Bytes of content in one message. Brokers refuse messages of more than 4 MiB. */
const CONTENT_BYTES = 512 * 1024;
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;

/** The packages that this engine needs. */
export type Library = {
  readonly grpc: typeof import('@grpc/grpc-js');
  readonly loader: typeof import('@grpc/proto-loader');
};

/** http or https URLs of members, at least one of each kind. The first is asked until it is away, then the next. */
export type RpcOptions = {
  readonly brokers: readonly string[];
  readonly etcd: readonly string[];
  /** Signs the tokens that the brokers ask for; absent or null: they ask for none. */
  readonly brokerKey?: Uint8Array | null;
};

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: CallOptions,
  done: (error: Error | null, response: Response) => void,
) => unknown;

type JournalStub = {
  list(request: object, metadata: Metadata, options: CallOptions): ClientReadableStream<wire.ListResponse>;
  apply: Unary<wire.ApplyRequest, wire.ApplyResponse>;
  listFragments: Unary<wire.FragmentsRequest, wire.FragmentsResponse>;
  read(request: wire.ReadRequest, metadata: Metadata, options: CallOptions): ClientReadableStream<wire.ReadResponse>;
  append(
    metadata: Metadata,
    options: CallOptions,
    done: (error: Error | null, response: wire.AppendResponse) => void,
  ): { write(request: wire.AppendRequest): boolean; end(): void; on(event: 'error', call: () => void): unknown };
  close(): void;
};

type KvStub = {
  range: Unary<wire.RangeRequest, wire.RangeResponse>;
  txn: Unary<wire.TxnRequest, wire.TxnResponse>;
  close(): void;
};

type StubClass<Stub> = new (address: string, credentials: ChannelCredentials, options: object) => Stub;

/** What a read hands over, until it is cancelled or ends. */
export type ReadCall = {
  pause(): void;
  resume(): void;
  cancel(): void;
};

export type ReadEvents = {
  readonly onMessage: (message: wire.ReadResponse) => void;
  /** It is over: null, or the error that the library gave. */
  readonly onEnd: (error: Error | null) => void;
};

export type ReadHow = { readonly beyond: number; readonly limitMs: number };

/** What the engine calls, whoever answers. */
export type RpcCalls = Pick<Rpc, keyof Rpc>;

export class Rpc {
  readonly #journals: Members<JournalStub>;
  readonly #kvs: Members<KvStub>;
  /** Of calls to etcd, and of calls to brokers that ask for no token. */
  readonly #metadata: Metadata;
  readonly #tokens: BrokerTokens | null;

  /** Nothing is sent yet. */
  constructor({ grpc, loader }: Library, options: RpcOptions) {
    const load = (name: string): ReturnType<typeof grpc.loadPackageDefinition> =>
      grpc.loadPackageDefinition(loader.loadSync(protoPath(name), LOAD_OPTIONS));
    const journal = load('gazette.proto')['protocol'] as unknown as { Journal: StubClass<JournalStub> };
    const kv = load('etcd.proto')['etcdserverpb'] as unknown as { KV: StubClass<KvStub> };
    const connect = <Stub>(Service: StubClass<Stub>, url: string): Stub => {
      const { hostname, port, protocol } = new URL(url);
      const isSecure = protocol === 'https:';
      const credentials = isSecure ? grpc.credentials.createSsl() : grpc.credentials.createInsecure();
      return new Service(`${hostname}:${port === '' ? (isSecure ? 443 : 80) : port}`, credentials, CHANNEL_OPTIONS);
    };
    const { brokerKey = null } = options;
    this.#tokens = brokerKey === null ? null : new BrokerTokens(brokerKey);
    this.#metadata = new grpc.Metadata();
    this.#journals = new Members(options.brokers.map((url) => connect(journal.Journal, url)));
    this.#kvs = new Members(options.etcd.map((url) => connect(kv.KV, url)));
  }

  get #brokerMetadata(): Metadata {
    if (this.#tokens === null) return this.#metadata;
    const metadata = this.#metadata.clone();
    metadata.set('authorization', this.#tokens.authorization);
    return metadata;
  }

  /** One atomic append of all parts, in their order; without parts it is a barrier. */
  append(request: wire.AppendRequest, parts: readonly Uint8Array[] = []): Promise<wire.AppendResponse> {
    return this.#journals.ask((stub, resolve, reject) => {
      const call = stub.append(this.#brokerMetadata, deadline(CALL_MS), (error, response) => {
        if (error !== null) reject(error);
        else resolve(response);
      });
      // The callback tells it as well.
      call.on('error', () => {});
      call.write(request);
      for (const part of parts) {
        for (let at = 0; at < part.length; at += CONTENT_BYTES) {
          call.write({ content: part.subarray(at, at + CONTENT_BYTES) });
        }
      }
      // Without this empty message the broker would take nothing of it.
      call.write({});
      call.end();
    });
  }

  /** `beyond`: how many places after the present broker the one is that is asked; `limitMs`: when it is over. */
  read(request: wire.ReadRequest, { onMessage, onEnd }: ReadEvents, { beyond, limitMs }: ReadHow): ReadCall {
    const stub = this.#journals.beyond(beyond);
    const call = stub.read(request, this.#brokerMetadata, deadline(limitMs));
    let isOver = false;
    const over = (error: Error | null): void => {
      if (isOver) return;
      isOver = true;
      // Its deadline is the end of a read that has waited for more.
      if (!isDeadline(error)) this.#journals.failed(stub, error);
      onEnd(error);
    };
    call.on('data', (message: wire.ReadResponse) => {
      if (!isOver) onMessage(message);
    });
    call.on('error', over);
    call.on('end', () => over(null));
    return {
      pause: () => void call.pause(),
      resume: () => void call.resume(),
      cancel: () => {
        isOver = true;
        call.cancel();
      },
    };
  }

  /** The first message of a read that waits for nothing. */
  readMetadata(journal: string, offset: number): Promise<wire.ReadResponse> {
    return this.#journals.ask((stub, resolve, reject) => {
      const request = { journal, offset: String(offset), block: false, metadata_only: true };
      const call = stub.read(request, this.#brokerMetadata, deadline(CALL_MS));
      call.on('data', resolve);
      call.on('error', reject);
      call.on('end', () => reject(new OperatingError('ERR_GAZETTE_ANSWER', 'a read ended without an answer')));
    });
  }

  /** Journals whose names begin with `prefix`, which ends with a slash. */
  listJournals(prefix: string): Promise<wire.ListResponse> {
    return this.#journals.ask((stub, resolve, reject) => {
      const selector = { include: { labels: [{ name: 'prefix', value: prefix }] } };
      const call = stub.list({ selector }, this.#brokerMetadata, deadline(CALL_MS));
      let found: wire.ListResponse = { status: STATUS.OK, header: null, journals: [] };
      call.on('data', ({ status, header, journals }: wire.ListResponse) => {
        found = { status, header: header ?? found.header, journals: [...found.journals, ...journals] };
      });
      call.on('error', reject);
      call.on('end', () => resolve(found));
    });
  }

  /** Brokers whose addresses are known. */
  get brokerCount(): number {
    return this.#journals.count;
  }

  /** A page of the fragments that a broker knows of: `beyond` is as in `read`. */
  listFragments(request: wire.FragmentsRequest, beyond: number): Promise<wire.FragmentsResponse> {
    const stub = this.#journals.beyond(beyond);
    return new Promise((resolve, reject) => {
      stub.listFragments(request, this.#brokerMetadata, deadline(FRAGMENTS_MS), (error, response) => {
        if (error === null) resolve(response);
        else reject(error);
      });
    });
  }

  apply(request: wire.ApplyRequest): Promise<wire.ApplyResponse> {
    return this.#journals.unary((stub, done) => stub.apply(request, this.#brokerMetadata, deadline(CALL_MS), done));
  }

  range(request: wire.RangeRequest): Promise<wire.RangeResponse> {
    return this.#kvs.unary((stub, done) => stub.range(request, this.#metadata, deadline(ETCD_MS), done));
  }

  txn(request: wire.TxnRequest): Promise<wire.TxnResponse> {
    return this.#kvs.unary((stub, done) => stub.txn(request, this.#metadata, deadline(ETCD_MS), done));
  }

  close(): void {
    this.#journals.close();
    this.#kvs.close();
  }
}

const LOAD_OPTIONS = { keepCase: true, longs: String, enums: Number, defaults: true, oneofs: true } as const;

/** Reconnects within a second, however long nobody answered: a broker that restarts is not kept waiting for. */
const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.use_local_subchannel_pool': 1,
  'grpc-node.flow_control_window': FLOW_BYTES,
};

function protoPath(name: string): string {
  return fileURLToPath(new URL(`../../../../src/journal/gazette/${name}`, import.meta.url));
}

function deadline(limitMs: number): CallOptions {
  return { deadline: Date.now() + limitMs };
}

/** Throws a UsageError where the library is not installed. */
export async function importLibrary(): Promise<Library> {
  try {
    return { grpc: await import('@grpc/grpc-js'), loader: await import('@grpc/proto-loader') };
  } catch (cause) {
    if ((cause as { code?: unknown } | null)?.code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new UsageError(
      'this engine needs two packages that are missing: npm install @grpc/grpc-js@1.14.7 @grpc/proto-loader@0.8.1',
    );
  }
}
