/**
 * Appends as primaries carry them out: in turn, over a pipeline to all members of the route, on the terms that a
 * request names.
 */

import { STATUS } from '../../../src/journal/gazette/status.ts';
import type * as wire from '../../../src/journal/gazette/wire.ts';
import type { Counters } from '../world/counters.ts';
import type { Kernel } from '../world/kernel.ts';
import { type Ref, type Replication, type Route, isPrimary, isRunning } from './broker.ts';
import { type Call, type ClusterNetwork, UNAVAILABLE, grpcError } from './cluster-network.ts';
import type { Journal } from './journal.ts';
import type { Peers } from './peers.ts';
import { Pipeline } from './pipeline.ts';
import { matches } from './replica.ts';

/** Between two tries of a primary to agree with the other members. */
const RETRY_NS = 100e6;

/** What a broker answers to an append: a response, or an error of gRPC. */
export type AppendReply = { readonly response: wire.AppendResponse } | { readonly error: Error };

export type AskedAppend = {
  readonly journal: Journal;
  readonly request: wire.AppendRequest;
  readonly parts: readonly Buffer[];
  /** Absent: the primary asks itself. */
  readonly call?: Call;
};

export type AppendsOptions = {
  readonly replication: number;
  readonly kernel: Kernel;
  readonly network: ClusterNetwork;
  readonly counters: Counters;
  readonly peers: Peers;
  readonly headerOf: (ref: Ref) => wire.Header;
};

export class Appends {
  readonly #options: AppendsOptions;

  constructor(options: AppendsOptions) {
    this.#options = options;
  }

  /** By this broker, if it is the primary when the turn of the append comes. */
  at(primary: Ref, { journal, request, parts, call }: AskedAppend): Promise<AppendReply> {
    const { network, replication } = this.#options;
    return primary.broker.inTurn(journal.name, async () => {
      for (;;) {
        if (!isRunning(primary)) return gone();
        const route = primary.broker.routes.get(journal.name);
        if (route === undefined || !isPrimary(route, primary)) {
          return this.status(STATUS.NOT_JOURNAL_PRIMARY_BROKER, primary);
        }
        if (route.members.length < replication) {
          return this.status(STATUS.INSUFFICIENT_JOURNAL_BROKERS, primary);
        }
        const pipeline = await this.#pipeline(primary, journal, route);
        if (pipeline !== null) return await this.#carryOut(primary, { journal, pipeline, request, parts });
        const isGivenUp = call === undefined || (call.isOver && network.isOpen(call.client.name, call.member));
        if (isGivenUp) return gone();
        await this.#sleep(primary, RETRY_NS);
      }
    });
  }

  async #pipeline(primary: Ref, journal: Journal, route: Route): Promise<Replication | null> {
    const { pipelines } = primary.broker;
    const present = pipelines.get(journal.name);
    if (present !== undefined && !present.isBroken() && present.route.revision === route.revision) return present;
    present?.break();
    const pipeline = new Pipeline({ peers: this.#options.peers, journal, primary, route });
    pipelines.set(journal.name, pipeline);
    return (await pipeline.open()) ? pipeline : null;
  }

  async #carryOut(
    primary: Ref,
    asked: {
      readonly journal: Journal;
      readonly pipeline: Replication;
      readonly request: wire.AppendRequest;
      readonly parts: readonly Buffer[];
    },
  ): Promise<AppendReply> {
    const { journal, pipeline, request, parts } = asked;
    const { broker } = primary;
    const replica = broker.replica(journal.name);
    const offset = Number(request.offset ?? 0);
    if (offset > 0 && offset !== Math.max(journal.storedEnd, replica.end)) {
      this.#options.counters.count('append at another offset than the end');
      return this.status(STATUS.WRONG_APPEND_OFFSET, primary);
    }
    if (journal.storedEnd > replica.end) {
      this.#options.counters.count('brokers had less than the fragment store');
      return this.status(STATUS.INDEX_HAS_GREATER_OFFSET, primary);
    }
    if (!matches(request.check_registers, replica.registers)) {
      return this.status(STATUS.REGISTER_MISMATCH, primary, { registers: replica.registers });
    }
    const registers = new Map(replica.registers);
    for (const { name, value } of request.union_registers?.labels ?? []) registers.set(name, value);
    const begin = replica.end;
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    const segment = bytes === 0 ? null : { begin, end: begin + bytes, parts };
    const { whenAppending } = broker;
    if (segment !== null && whenAppending !== null) {
      broker.whenAppending = null;
      whenAppending();
    }
    if (!(await pipeline.commit(segment, registers))) {
      if (segment !== null) this.#options.counters.count('append failed at some replicas');
      return gone();
    }
    const commit = { begin: String(begin), end: String(begin + bytes) };
    return this.status(STATUS.OK, primary, { registers, commit, route: pipeline.route });
  }

  /** An answer of the broker. */
  status(
    status: number,
    { broker, life }: Ref,
    rest: {
      readonly registers?: ReadonlyMap<string, string>;
      readonly commit?: { readonly begin: string; readonly end: string };
      readonly route?: Route;
    } = {},
  ): AppendReply {
    const { registers = new Map<string, string>(), commit = null, route } = rest;
    const members = (route?.members ?? []).map((ref) => ref.broker.idOf(ref.life));
    const header = { ...this.#options.headerOf({ broker, life }), route: { members, primary: 0 } };
    const labels = Array.from(registers, ([name, value]) => ({ name, value }));
    return { response: { status, header, commit, registers: { labels } } };
  }

  #sleep({ broker, life }: Ref, delayNs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.kernel.after(delayNs, () => broker.handle(life, resolve, resolve));
    });
  }
}
function gone(): AppendReply {
  return { error: grpcError(UNAVAILABLE, 'the pipeline has ended (simulated)') };
}
