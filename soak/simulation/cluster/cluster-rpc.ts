/** The calls of one client process to the simulated cluster, in the place of the gRPC library. */

import { Prng } from '../../../src/core/prng.ts';
import { Members } from '../../../src/journal/gazette/members.ts';
import {
  CALL_MS,
  type ReadCall,
  type ReadEvents,
  type ReadHow,
  type RpcCalls,
} from '../../../src/journal/gazette/rpc.ts';
import { STATUS, isDeadline } from '../../../src/journal/gazette/status.ts';
import type * as wire from '../../../src/journal/gazette/wire.ts';
import type { Counters } from '../world/counters.ts';
import type { Incarnation } from '../world/incarnation.ts';
import type { Kernel } from '../world/kernel.ts';
import type { Broker, Ref } from './broker.ts';
import { type Call, type Member, type Served, UNAVAILABLE, grpcError } from './cluster-network.ts';
import { CLUSTER_PREFIX, type SimulatedCluster } from './cluster.ts';
import { type Flow, Reading } from './reading.ts';

/** Deadline of a request to etcd, as in `rpc.ts`. */
const ETCD_MS = 5_000;
/** Deadline of a list of fragments, as in `rpc.ts`. */
const FRAGMENTS_MS = 3_000;
const CLIENT = 0x72706363;
const STATE_JOURNALS = `${CLUSTER_PREFIX}states/`;
const SNAPSHOT_KEYS = `/${CLUSTER_PREFIX}states/`;

type Stub<M extends Member> = { readonly member: M; close(): void };

export type ClusterRpcOptions = {
  readonly cluster: SimulatedCluster;
  readonly kernel: Kernel;
  readonly counters: Counters;
  readonly seed: number;
  readonly incarnation: Incarnation;
};

export class ClusterRpc implements RpcCalls {
  readonly #options: ClusterRpcOptions;
  readonly #prng: Prng;
  readonly #brokers: Members<Stub<Broker>>;
  readonly #etcd: Members<Stub<SimulatedCluster['etcd']['members'][number]>>;
  readonly #calls = new Set<Call>();

  constructor(options: ClusterRpcOptions) {
    const { cluster, seed, incarnation } = options;
    this.#options = options;
    this.#prng = Prng.fromSeed(CLIENT, seed, incarnation.number, ...Buffer.from(incarnation.name));
    this.#brokers = new Members(this.#stubs(cluster.brokers));
    this.#etcd = new Members(this.#stubs(cluster.etcd.members));
  }

  /** Each client begins with another member. */
  #stubs<M extends Member>(members: readonly M[]): Stub<M>[] {
    const first = this.#prng.below(members.length);
    return [...members.slice(first), ...members.slice(0, first)].map((member) => ({ member, close: () => {} }));
  }

  append(request: wire.AppendRequest, parts: readonly Uint8Array[] = []): Promise<wire.AppendResponse> {
    const { cluster, counters } = this.#options;
    const copies = parts.map((part) => Buffer.from(part));
    const answer = this.#unary<Broker, wire.AppendResponse>(this.#brokers, CALL_MS, (served, broker) => {
      void cluster.append(broker.ref, served.call, request, copies).then((reply) => {
        broker.answered(served.call);
        if ('error' in reply) return cluster.network.refused(served.call, reply.error.message);
        served.message(reply.response);
      });
    });
    if (parts.length === 0 || !isOfState(request)) return answer;
    return answer.catch((error: unknown) => {
      counters.count('append to a state log ended unknown');
      throw error;
    });
  }

  read(
    { journal, offset }: wire.ReadRequest,
    { onMessage, onEnd }: ReadEvents,
    { beyond, limitMs }: ReadHow,
  ): ReadCall {
    const { cluster, kernel, counters, incarnation } = this.#options;
    const stub = this.#brokers.beyond(beyond);
    const { member } = stub;
    const flow: Flow = { isPaused: false, wake: null };
    const found = cluster.journal(journal);
    if (found === undefined) throw new Error(`the simulated cluster has no journal ${journal}`);
    const call = cluster.network.ask<wire.ReadResponse>(incarnation, member, {
      deadlineMs: limitMs,
      serve: (served) => {
        const at = member.ref;
        const rest = { journal: found, offset: Number(offset), prng: this.#prng };
        new Reading({ cluster, kernel, counters, served, flow, at, ...rest }).run();
      },
      onMessage,
      onEnd: (error) => {
        this.#calls.delete(call);
        if (!isDeadline(error)) this.#brokers.failed(stub, error);
        onEnd(error);
      },
    });
    this.#calls.add(call);
    return {
      pause: () => {
        flow.isPaused = true;
      },
      resume: () => {
        flow.isPaused = false;
        const { wake } = flow;
        flow.wake = null;
        wake?.();
      },
      cancel: () => this.#cancel(call),
    };
  }

  readMetadata(journal: string, _offset: number): Promise<wire.ReadResponse> {
    return this.#unary<Broker, wire.ReadResponse>(this.#brokers, CALL_MS, (served, broker) => {
      const { cluster } = this.#options;
      const [primary = broker.ref] = broker.routes.get(journal)?.members ?? [];
      const { end } = primary.broker.replica(journal);
      const found = cluster.journal(journal);
      const looked = cluster.lookedNs(primary.broker);
      const isTrimmed = (found?.beginAt(looked) ?? 0) > 0;
      const first = isTrimmed ? found?.firstOf(primary, looked) : undefined;
      const isAway = first?.isStored === false;
      const known = isAway ? STATUS.OFFSET_NOT_YET_AVAILABLE : STATUS.OK;
      const status = found === undefined ? STATUS.JOURNAL_NOT_FOUND : known;
      const offset = String(isAway ? 0 : (first?.begin ?? 0));
      const rest = { offset, write_head: String(end), fragment: null, content: Buffer.alloc(0) };
      this.#answer(served, broker.ref, { status, header: cluster.headerOf(broker.ref), ...rest });
    });
  }

  listJournals(prefix: string): Promise<wire.ListResponse> {
    return this.#unary<Broker, wire.ListResponse>(this.#brokers, CALL_MS, (served, broker) => {
      const { cluster } = this.#options;
      const names = cluster.journals.map(({ name }) => name).filter((name) => name.startsWith(prefix));
      const journals = names.map((name) => ({ spec: { name }, mod_revision: '1' }));
      this.#answer(served, broker.ref, { status: STATUS.OK, header: cluster.headerOf(broker.ref), journals });
    });
  }

  get brokerCount(): number {
    return this.#options.cluster.brokers.length;
  }

  listFragments({ journal }: wire.FragmentsRequest, beyond: number): Promise<wire.FragmentsResponse> {
    const { cluster } = this.#options;
    const stub = this.#brokers.beyond(beyond);
    return this.#asked<Broker, wire.FragmentsResponse>(stub, FRAGMENTS_MS, (served, broker) => {
      const found = cluster.journal(journal);
      const header = cluster.headerOf(broker.ref);
      if (found === undefined) {
        const status = STATUS.JOURNAL_NOT_FOUND;
        return this.#answer(served, broker.ref, { status, header, fragments: [], next_page_token: '0' });
      }
      const { chain, has } = broker.replica(journal);
      const looked = cluster.lookedNs(broker);
      const own = chain.filter((segment) => has.has(segment) && segment.end > found.beginAt(looked));
      const seen = found.seenBy(broker.ref, looked);
      const fragments = [...new Set([...own, ...seen])]
        .toSorted((a, b) => a.begin - b.begin)
        .map(({ begin, end }) => ({ spec: { begin: String(begin), end: String(end) } }));
      this.#answer(served, broker.ref, { status: STATUS.OK, header, fragments, next_page_token: '0' });
    });
  }

  apply(): Promise<wire.ApplyResponse> {
    throw new Error('a simulated cluster has its journals from the start');
  }

  range(request: wire.RangeRequest): Promise<wire.RangeResponse> {
    const { etcd } = this.#options.cluster;
    return this.#unary(this.#etcd, ETCD_MS, (served) => served.message(etcd.range(request)));
  }

  txn(request: wire.TxnRequest): Promise<wire.TxnResponse> {
    const { cluster, counters } = this.#options;
    const notesSnapshot = request.success.some(
      (change) => 'request_put' in change && change.request_put.key.toString().startsWith(SNAPSHOT_KEYS),
    );
    return this.#unary(this.#etcd, ETCD_MS, (served) => {
      const response = cluster.etcd.txn(request);
      if (notesSnapshot && response.succeeded) counters.count('snapshot of a state noted');
      served.message(response);
    });
  }

  close(): void {
    for (const call of this.#calls) this.#options.cluster.network.cancel(call);
    this.#calls.clear();
    this.#brokers.close();
    this.#etcd.close();
  }

  #answer<Response>(served: Served<Response>, { broker }: Ref, response: Response): void {
    broker.answered(served.call);
    served.message(response);
  }

  /** The first message is the answer. */
  #unary<M extends Member, Response>(
    members: Members<Stub<M>>,
    deadlineMs: number,
    serve: (served: Served<Response>, member: M) => void,
  ): Promise<Response> {
    return members.ask((stub, resolve, reject) => {
      this.#asked(stub, deadlineMs, serve).then(resolve, reject);
    });
  }

  #asked<M extends Member, Response>(
    { member }: Stub<M>,
    deadlineMs: number,
    serve: (served: Served<Response>, member: M) => void,
  ): Promise<Response> {
    const { cluster, incarnation } = this.#options;
    return new Promise((resolve, reject) => {
      const call = cluster.network.ask<Response>(incarnation, member, {
        deadlineMs,
        serve: (served) => serve(served, member),
        onMessage: (response) => {
          this.#cancel(call);
          resolve(response);
        },
        onEnd: (error) => {
          this.#calls.delete(call);
          reject(error ?? grpcError(UNAVAILABLE, 'a call ended without an answer'));
        },
      });
      this.#calls.add(call);
    });
  }

  #cancel(call: Call): void {
    this.#calls.delete(call);
    this.#options.cluster.network.cancel(call);
  }
}

function isOfState({ journal }: wire.AppendRequest): boolean {
  return journal?.startsWith(STATE_JOURNALS) === true;
}
