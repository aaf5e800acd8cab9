/**
 * Brokers and etcd in memory, as the engine calls them: journals with registers, and keys with revisions. A test says
 * what becomes of each append, how far each journal is served, and moves the clock.
 */

import type { Clock } from '../../../core/clock.ts';
import type { ReadCall, ReadEvents, ReadHow, RpcCalls } from '../rpc.ts';
import { STATUS } from '../status.ts';
import type * as wire from '../wire.ts';

const PIECE_BYTES = 32_000;
/** The processes of the brokers, by their place after the present one. */
const PROCESSES = ['a', 'b', 'c', 'd'];
const UNAVAILABLE = 14;
const DEADLINE_EXCEEDED = 4;

/** What a broker is asked to append; without parts it is a barrier. */
export type AskedAppend = { readonly request: wire.AppendRequest; readonly parts: readonly Uint8Array[] };

/**
 * What becomes of an append. `unanswered`: it is carried out, and its answer is lost. `late`: its answer is lost, and
 * it is carried out when the test says so. `half`: the brokers that had it are lost, and it is a hole. A number: this
 * status is answered, and nothing is carried out.
 */
export type Fate = 'done' | 'unanswered' | 'late' | 'half' | number | Error;

const NOT_TRIMMED = { begin: 0, isPersisted: true };

type Journal = { content: Buffer; registers: ReadonlyMap<string, string> };

export class FakeCluster implements RpcCalls {
  readonly #clock: Clock;
  readonly #journals = new Map<string, Journal>();
  readonly #keys = new Map<string, { readonly value: Buffer; readonly revision: number }>();
  #revision = 1;
  readonly #changed = new Set<() => void>();
  readonly #broken = new Set<() => void>();
  /** Asked for each append and barrier. */
  fateOf: (append: AskedAppend) => Fate = () => 'done';
  /** What every other call fails with. */
  failure: Error | null = null;
  /** What every read ends with at once. */
  readError: Error | null = null;
  /** Appends that were never carried out so far, in the order of the calls. */
  readonly late: (() => number)[] = [];
  readonly brokers = 4;
  /** The place of the one broker that serves readers, after the present one; null: each does. */
  servedBy: number | null = null;
  /** The place of the one broker of which reads end by `readError`; null: of each. */
  readErrorAt: number | null = null;
  /** Bytes of each journal beyond this are served to no reader. */
  servedEnd: number = Number.POSITIVE_INFINITY;
  /** Names the process that serves reads. */
  server = 'a';
  clusterId = '11';
  /** Reads that are open, and the most that ever were. */
  readonly reads: { open: number; most: number; started: number; begins: number } = {
    open: 0,
    most: 0,
    started: 0,
    begins: 0,
  };

  constructor(clock: Clock, journals: readonly string[]) {
    this.#clock = clock;
    for (const name of journals) this.#journals.set(name, { content: Buffer.alloc(0), registers: new Map() });
  }

  contentOf(journal: string): Buffer {
    return this.#journal(journal).content;
  }

  registersOf(journal: string): ReadonlyMap<string, string> {
    return this.#journal(journal).registers;
  }

  /** What no other replica had is gone, with the reads of the process that had it. */
  lose(journal: string): void {
    this.#journal(journal).content = Buffer.alloc(0);
    for (const breaks of this.#broken) breaks();
  }

  /** By journal, bytes that no broker has, although the journal goes on behind them. */
  readonly holes: Map<string, { readonly begin: number; readonly end: number }> = new Map();
  /** By place after the present broker, where the fragments begin and end that it lists; absent: all but the hole. */
  readonly listed: Map<number, readonly (readonly [begin: number, end: number])[]> = new Map();
  /** Of these places the broker does not answer a list. */
  readonly unlisted: Set<number> = new Set();

  /**
   * By journal, where its first fragment begins. `isPersisted`: brokers let a read below jump there. Else they let it
   * wait, because the fragment is in their spools alone.
   */
  readonly trimmed: Map<string, { readonly begin: number; readonly isPersisted: boolean }> = new Map();
  /** Where reads by the broker of this place jump, whatever others have. */
  jumps: { readonly place: number; readonly to: number } | null = null;

  /** The brokers have lost everything from there on. */
  truncate(journal: string, length: number): void {
    const lost = this.#journal(journal);
    lost.content = lost.content.subarray(0, length);
  }

  removeJournal(journal: string): void {
    this.#journals.delete(journal);
  }

  async append(request: wire.AppendRequest, parts: readonly Uint8Array[] = []): Promise<wire.AppendResponse> {
    const fate = this.fateOf({ request, parts });
    await turn();
    if (fate instanceof Error) throw fate;
    if (typeof fate === 'number') return this.#answer(fate, null);
    if (fate === 'late') {
      this.late.push(() => this.#carryOut(request, parts).status);
      throw grpcError(UNAVAILABLE);
    }
    const answer = this.#carryOut(request, parts);
    if (fate === 'half') {
      const { begin, end } = answer.commit ?? { begin: '0', end: '0' };
      this.holes.set(request.journal ?? '', { begin: Number(begin), end: Number(end) });
      throw grpcError(UNAVAILABLE);
    }
    if (fate === 'unanswered') throw grpcError(UNAVAILABLE);
    return answer;
  }

  read(
    { journal, offset }: wire.ReadRequest,
    { onMessage, onEnd }: ReadEvents,
    { beyond, limitMs }: ReadHow,
  ): ReadCall {
    const { reads } = this;
    const end = (): number => (this.servedBy === null || beyond % this.brokers === this.servedBy ? this.servedEnd : 0);
    reads.started += 1;
    reads.open += 1;
    reads.most = Math.max(reads.most, reads.open);
    let at = Number(offset);
    let isPaused = false;
    let isOver = false;
    const close = (): void => {
      if (isOver) return;
      isOver = true;
      reads.open -= 1;
      deadline.clear();
      this.#changed.delete(pump);
      this.#broken.delete(breaks);
    };
    const breaks = (): void => {
      close();
      onEnd(grpcError(UNAVAILABLE));
    };
    this.#broken.add(breaks);
    const pump = (): void => {
      const { content } = this.#journal(journal);
      const hole = this.holes.get(journal) ?? { begin: content.length, end: content.length };
      const { begin, isPersisted } = this.trimmed.get(journal) ?? NOT_TRIMMED;
      if (at < begin && !isPersisted) return;
      at = Math.max(at, begin, this.jumps?.place === beyond % this.brokers ? this.jumps.to : 0);
      if (at >= hole.begin && at < hole.end) return;
      const through = Math.min(at < hole.begin ? hole.begin : content.length, end());
      if (isOver || isPaused || at >= through) return;
      const piece = content.subarray(at, Math.min(through, at + PIECE_BYTES));
      const offsetOfPiece = String(at);
      at += piece.length;
      const header = { process_id: { zone: 'zone', suffix: this.server }, route: null, etcd: null };
      const rest = { write_head: String(content.length), fragment: null };
      onMessage({ status: STATUS.OK, header, offset: offsetOfPiece, content: piece, ...rest });
      this.#clock.after(1, pump);
    };
    const deadline = this.#clock.after(limitMs, () => {
      close();
      onEnd(grpcError(DEADLINE_EXCEEDED));
    });
    const { readError } = this;
    const isHit = this.readErrorAt === null || beyond % this.brokers === this.readErrorAt;
    if (readError === null || !isHit) {
      this.#changed.add(pump);
      this.#clock.after(1, pump);
    } else {
      this.#clock.after(1, () => {
        close();
        onEnd(readError);
      });
    }
    return {
      pause: () => {
        isPaused = true;
      },
      resume: () => {
        isPaused = false;
        this.#clock.after(1, pump);
      },
      cancel: close,
    };
  }

  async readMetadata(journal: string): Promise<wire.ReadResponse> {
    await turn();
    if (this.failure !== null) throw this.failure;
    this.reads.begins += 1;
    const { content } = this.#journal(journal);
    const rest = { header: null, write_head: String(content.length), fragment: null, content: Buffer.alloc(0) };
    const { begin, isPersisted } = this.trimmed.get(journal) ?? NOT_TRIMMED;
    const isAway = content.length === 0 || (begin > 0 && !isPersisted);
    if (isAway) return { status: STATUS.OFFSET_NOT_YET_AVAILABLE, offset: '0', ...rest };
    const first = this.jumps?.place === 0 ? this.jumps.to : begin;
    return { status: STATUS.OK, offset: String(first), ...rest };
  }

  get brokerCount(): number {
    return this.brokers;
  }

  async listFragments({ journal }: wire.FragmentsRequest, beyond: number): Promise<wire.FragmentsResponse> {
    await turn();
    if (this.unlisted.has(beyond)) throw grpcError(UNAVAILABLE);
    const { length } = this.#journal(journal).content;
    const { begin, end } = this.holes.get(journal) ?? { begin: length, end: length };
    const first = this.trimmed.get(journal)?.begin ?? 0;
    const listed = this.listed.get(beyond) ?? [
      [first, begin],
      [Math.max(first, end), length],
    ];
    const fragments = listed
      .filter(([from, to]) => from < to)
      .map(([from, to]) => ({ spec: { begin: String(from), end: String(to) } }));
    const header = { process_id: { zone: 'zone', suffix: PROCESSES[beyond] ?? '' }, route: null, etcd: null };
    return { status: STATUS.OK, header, fragments, next_page_token: '0' };
  }

  async listJournals(prefix: string): Promise<wire.ListResponse> {
    await turn();
    if (this.failure !== null) throw this.failure;
    const names = [...this.#journals.keys()].filter((name) => name.startsWith(prefix));
    const journals = names.map((name) => ({ spec: { name }, mod_revision: '1' }));
    return { status: STATUS.OK, header: this.#header(), journals };
  }

  apply(): Promise<wire.ApplyResponse> {
    throw new Error('a fake cluster has its journals from the start');
  }

  async range({ key, range_end: end }: wire.RangeRequest): Promise<wire.RangeResponse> {
    await turn();
    if (this.failure !== null) throw this.failure;
    const kvs = [...this.#keys]
      .map(([name, { value, revision }]) => ({ key: Buffer.from(name), value, mod_revision: String(revision) }))
      .filter(({ key: name }) =>
        end === undefined ? name.equals(key) : Buffer.compare(name, key) >= 0 && Buffer.compare(name, end) < 0,
      );
    return { header: { cluster_id: this.clusterId }, kvs };
  }

  async txn({ compare, success }: wire.TxnRequest): Promise<wire.TxnResponse> {
    await turn();
    if (this.failure !== null) throw this.failure;
    const holds = compare.every(
      ({ key, mod_revision: revision }) => (this.#keys.get(key.toString())?.revision ?? 0) === Number(revision),
    );
    if (!holds) return { succeeded: false };
    for (const change of success) {
      this.#revision += 1;
      if ('request_put' in change) {
        const { key, value } = change.request_put;
        this.#keys.set(key.toString(), { value, revision: this.#revision });
      } else {
        this.#keys.delete(change.request_delete_range.key.toString());
      }
    }
    return { succeeded: true };
  }

  close(): void {}

  #journal(name: string): Journal {
    const journal = this.#journals.get(name);
    if (journal === undefined) throw new Error(`the fake cluster has no journal ${name}`);
    return journal;
  }

  #carryOut(request: wire.AppendRequest, parts: readonly Uint8Array[]): wire.AppendResponse {
    const name = request.journal ?? '';
    if (!this.#journals.has(name)) return this.#answer(STATUS.JOURNAL_NOT_FOUND, null);
    const journal = this.#journal(name);
    if (!matches(request.check_registers, journal.registers)) return this.#answer(STATUS.REGISTER_MISMATCH, journal);
    const begin = journal.content.length;
    const { offset = '0' } = request;
    if (offset !== '0' && Number(offset) !== begin) return this.#answer(STATUS.WRONG_APPEND_OFFSET, journal);
    journal.content = Buffer.concat([journal.content, ...parts]);
    const set = (request.union_registers?.labels ?? []).map(({ name: each, value }) => [each, value] as const);
    journal.registers = new Map([...journal.registers, ...set]);
    for (const changed of this.#changed) changed();
    return this.#answer(STATUS.OK, journal, begin);
  }

  #answer(status: number, journal: Journal | null, begin = 0): wire.AppendResponse {
    const labels = [...(journal?.registers ?? [])].map(([name, value]) => ({ name, value }));
    const commit = status === STATUS.OK ? { begin: String(begin), end: String(journal?.content.length ?? 0) } : null;
    return { status, header: this.#header(), commit, registers: { labels } };
  }

  #header(): wire.Header {
    const route = { members: [{ zone: 'zone', suffix: 'a' }], primary: 0 };
    return { process_id: null, route, etcd: { cluster_id: this.clusterId, revision: String(this.#revision) } };
  }
}

/** As the gRPC library throws it. */
export function grpcError(code: number, details = 'gone'): Error {
  return Object.assign(new Error(`${code} ${details}`), { code, details });
}

/** The rule of Gazette: no registers at all match everything. */
function matches(selector: wire.LabelSelector | undefined, registers: ReadonlyMap<string, string>): boolean {
  if (selector === undefined || registers.size === 0) return true;
  const has = ({ name, value }: wire.Label): boolean =>
    value === '' ? registers.has(name) : registers.get(name) === value;
  return (selector.include?.labels ?? []).every(has) && !(selector.exclude?.labels ?? []).some(has);
}

function turn(): Promise<void> {
  return Promise.resolve();
}
