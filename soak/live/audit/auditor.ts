/**
 * The auditor of a soak over real processes. It reads every journal, under its own pins, and writes it into the
 * history.
 *
 * Until the drain it reads chunk journals only as far as their shards have reported them as durably folded. Its pins
 * must not make the journals refuse chunks. So when it falls too far behind, it gives up, and says from where on
 * nothing was read.
 */

import { type Clock, delay } from '../../../src/core/clock.ts';
import { OperatingError, ViolationError } from '../../../src/core/errors.ts';
import { formatBytes } from '../../../src/core/units.ts';
import {
  type Journals,
  type JournalsInfo,
  type ReadStream,
  SUMS_JOURNAL,
  chunkJournal,
} from '../../../src/journal/journals.ts';
import type { EnginePromises } from '../../../src/journal/promises.ts';
import { until } from '../../../src/fleet/waiting.ts';
import type { Happening } from '../../guarantee/history.ts';
import type { Checkpoint } from '../../guarantee/checkpoint.ts';
import { JournalFeed } from './journal-feed.ts';

/** Its pins have the same name in every run, so that the pins of a killed run can be released. */
export const AUDITOR_PIN = 'auditor';
/** The time between two looks at how far the shards are. */
const LOOK_MS = 250;
/** The credit for reading ahead in each journal. */
const CREDIT_BYTES = 1024 * 1024;
/** After so many batches of a journal, timers and other journals get their turn. */
const BATCHES_AT_A_TIME = 32;
/** The largest part of a journal's room that it may hold back. Beyond that it gives up. */
const LAG_SHARE = 1 / 2;
/** The part of that bound from which on a journal counts as silent, if nothing of it has come since the last look. */
const SILENT_SHARE = 1 / 2;
/** When nothing arrives for so long while the rest of the journals is read, it gives up. */
const STALL_MS = 30_000;

/** The checkpoint of a shard that has committed nothing. */
const NOTHING: Checkpoint = { offset: 0, nextSum: 0, nextIndexes: {}, openFiles: {}, outbox: [] };

/** A process that folds, and its store. */
export type ShardOwner = { readonly process: string; readonly folder: string; readonly shards: readonly number[] };

/** Reads what the store of a process that does not run has of each shard; `null`: nothing. Throws OperatingError. */
export type ReadCheckpoints = (owner: ShardOwner) => Promise<ReadonlyMap<number, Checkpoint | null>>;

/**
 * Why nothing more is read. `lag`: the auditor was too slow, which says nothing about the journals. `refused`: a pin, a
 * batch, a store or an answer that was promised was not there. An auditor that reads nothing at all is not slow.
 */
export type LossCause = 'lag' | 'refused';

export type AuditorOptions = {
  readonly journals: Journals;
  readonly clock: Clock;
  readonly partitions: number;
  /** Room of all chunk journals together, and of the sums journal. */
  readonly retentionBytes: number;
  /** The promises of the journals' engine. */
  readonly promises: EnginePromises;
  readonly readCheckpoints: ReadCheckpoints;
  readonly record: (happening: Happening) => void;
  /** The auditor reads nothing more, for this reason. Called once. */
  readonly onLost: (reason: string, cause: LossCause) => void;
  /** The journals have lost what they had said to the auditor. It reads nothing more. */
  readonly onViolation: (error: ViolationError) => void;
  /** A bug of this process. */
  readonly onError: (error: unknown) => void;
};

type Claim = { readonly process: string; readonly shard: number; readonly epoch: number };

export class Auditor {
  readonly #options: AuditorOptions;
  /** The chunk journals by partition, and the sums journal last. */
  readonly #feeds: readonly JournalFeed[];
  readonly #streams: ReadStream[] = [];
  readonly #ended = new AbortController();
  /** Raised epochs that are not in the history yet, because it is unknown where the sums journal ends after them. */
  #claims: Claim[] = [];
  #heads: readonly number[] = [];
  /** By feed, what had arrived at the previous look. */
  #arrivedBefore: readonly number[] = [];
  #isHeldBack = false;
  #isReading = false;
  #isLost = false;

  constructor(options: AuditorOptions) {
    this.#options = options;
    const journals = Array.from({ length: options.partitions }, (_, partition) => chunkJournal(partition));
    const record = (happening: Happening): void => {
      options.record(happening);
      if (happening.event === 'checkpoint') this.#orderSums();
    };
    this.#feeds = [...journals, SUMS_JOURNAL].map((journal) => new JournalFeed(journal, record));
  }

  /**
   * Makes its pins. False when a journal is not empty: its earlier content belongs to producers and states that the
   * auditor does not know.
   */
  async attach(): Promise<boolean> {
    const { journals } = this.#options;
    const pins = await Promise.all(this.#feeds.map(({ journal }) => journals.pin(journal, AUDITOR_PIN)));
    if (pins.every(({ offset }) => offset === 0)) return true;
    await this.release();
    return false;
  }

  /** All producers are in the history: from now on the auditor reads. */
  begin(): void {
    this.#isReading = true;
    this.#feeds.at(-1)?.allow(Number.POSITIVE_INFINITY);
    for (const feed of this.#feeds) this.#run(this.#read(feed));
    this.#run(this.#look());
  }

  /**
   * Stops reading chunk journals until they are let go, because a decision on which their batches depend is not known
   * yet.
   */
  holdBack(isHeldBack: boolean): void {
    this.#isHeldBack = isHeldBack;
    for (const feed of this.#feeds.slice(0, -1)) feed.holdBack(isHeldBack);
  }

  /** Batches that a summer publishes after its restart stand behind the earlier content of its store. */
  #orderSums(): void {
    this.#feeds.at(-1)?.holdBack(this.#feeds.some(({ isBehind }) => isBehind));
  }

  /** The process has the answers to its raises of these epochs. */
  raised(claims: readonly Claim[]): void {
    if (!this.#isLost) this.#claims.push(...claims);
  }

  /** The process was killed and has not been started again yet. Records what its store has of its shards. */
  async killed(owner: ShardOwner): Promise<void> {
    if (!this.#isReading) return;
    for (const [shard, checkpoint] of await this.#checkpointsOf(owner)) {
      const event = { event: 'checkpoint', process: owner.process, shard, moment: 'restart' } as const;
      this.#feeds[shard]?.checkpoint({ ...event, ...(checkpoint ?? NOTHING) });
    }
    this.#orderSums();
  }

  /**
   * Everything except the broker has ended: reads the rest of the journals, and the final state of each shard. True
   * when nothing is missing.
   */
  async readToEnd(owners: readonly ShardOwner[]): Promise<boolean> {
    if (!this.#isReading) return false;
    this.holdBack(false);
    const { record } = this.#options;
    const isAnswered = await this.#isAnswered(this.#lookOnce());
    if (!isAnswered) this.#lose('the broker did not answer');
    for (const [number, feed] of this.#feeds.entries()) feed.allow(this.#heads[number] ?? 0);
    await this.#readHeads(this.#feeds.slice(0, -1));
    if (this.#isReading) for (const feed of this.#feeds) feed.end();
    await this.#readHeads(this.#feeds);
    const states = new Map<number, Checkpoint | null>();
    const processes = new Map(owners.flatMap(({ process, shards }) => shards.map((shard) => [shard, process])));
    for (const owner of owners) for (const [shard, state] of await this.#checkpointsOf(owner)) states.set(shard, state);
    if (!this.#isReading) return false;
    for (const number of this.#feeds.keys()) {
      const process = processes.get(number);
      if (process !== undefined && states.has(number)) {
        record({ event: 'checkpoint', process, shard: number, moment: 'end', ...(states.get(number) ?? NOTHING) });
      }
    }
    for (const [number, { journal }] of this.#feeds.entries()) {
      record({ event: 'head', journal, offset: this.#heads[number] ?? 0 });
    }
    return true;
  }

  /** Waits until these feeds, which come first, are where their journals end. */
  async #readHeads(feeds: readonly JournalFeed[]): Promise<void> {
    const { clock } = this.#options;
    const isRead = (): boolean => feeds.every(({ through }, number) => through >= (this.#heads[number] ?? 0));
    const progress = (): number => feeds.reduce((bytes, { through }) => bytes + through, 0);
    while (this.#isReading && !isRead()) {
      const before = progress();
      const hasMoved = await until(() => progress() > before || !this.#isReading, { clock, timeoutMs: STALL_MS });
      if (!hasMoved) this.#lose(`nothing more of the journals arrived for ${STALL_MS / 1e3} s`);
    }
  }

  /** Releases its pins, including those of an earlier run. */
  async release(): Promise<void> {
    const { journals } = this.#options;
    await Promise.all(this.#feeds.map(({ journal }) => journals.release(journal, AUDITOR_PIN)));
  }

  /** Reads nothing more. */
  close(): void {
    this.#isReading = false;
    this.#ended.abort();
    for (const stream of this.#streams.splice(0)) stream.close();
  }

  /** An operating error or a violation ends only the audit. */
  #run(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (error instanceof OperatingError) this.#lose(error.message);
      else if (error instanceof ViolationError) this.#violated(error);
      else this.#options.onError(error);
    });
  }

  async #read(feed: JournalFeed): Promise<void> {
    const stream = this.#options.journals.read(feed.journal, 0, { creditBytes: CREDIT_BYTES });
    this.#streams.push(stream);
    for (let batches = 1; ; batches += 1) {
      const next = await stream.next();
      // Without this turn an auditor that is behind would read on and on, and no timer would fire.
      if (batches % BATCHES_AT_A_TIME === 0) await this.#turn();
      if (next === null || !this.#isReading) return;
      if (!('bytes' in next)) {
        const detail = next.end === 'trimmed' ? `it begins at ${next.begin}` : JSON.stringify(next);
        return this.#lose(`${feed.journal} cannot be read at ${feed.through}: ${detail}`);
      }
      await feed.offer(next);
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.soon(resolve));
  }

  async #look(): Promise<void> {
    while (this.#isReading) {
      await this.#lookOnce();
      await delay(this.#options.clock, LOOK_MS, this.#ended.signal);
    }
  }

  async #lookOnce(): Promise<void> {
    const { journals, record } = this.#options;
    const claims = this.#claims.splice(0);
    const wasHeldBack = this.#isHeldBack;
    const info = await journals.list();
    if (!this.#isReading) return;
    this.#heads = info.journals.map(({ head }) => head);
    const sumsHead = this.#heads.at(-1) ?? 0;
    for (const claim of claims) {
      for (const event of ['raised', 'confirmed'] as const) record({ event, ...claim, sumsHead });
    }
    if (!wasHeldBack && !this.#isHeldBack) for (const { shard, pin } of info.shards) this.#feeds[shard]?.allow(pin);
    const moved = await Promise.all(
      this.#feeds.map(({ journal, through }) => journals.movePin(journal, AUDITOR_PIN, through)),
    );
    if (moved.includes('missing')) this.#lose('its pins have expired');
    this.#checkLag(info);
  }

  /**
   * When offsets do not count bytes, its pins keep no room from anybody. Chunks that a shard has not folded are not
   * held back by the auditor. Among feeds that are far behind when it gives up, a silent feed is worse than a slow one.
   */
  #checkLag({ shards, journals }: JournalsInfo): void {
    const { retentionBytes, partitions, promises } = this.#options;
    if (!promises.countsBytes) return;
    const arrivedBefore = this.#arrivedBefore;
    this.#arrivedBefore = this.#feeds.map(({ arrived }) => arrived);
    const behind = this.#feeds.map((feed, number) => {
      const { journal, through, arrived, isWaiting } = feed;
      const bytes = (shards[number]?.pin ?? journals[number]?.head ?? 0) - through;
      const room = journal === SUMS_JOURNAL ? retentionBytes : retentionBytes / partitions;
      const isSilent = !isWaiting && arrived === (arrivedBefore[number] ?? 0);
      return {
        share: bytes / (room * LAG_SHARE),
        isSilent,
        unread: `${formatBytes(bytes)} of ${journal} were not read`,
      };
    });
    const slow = behind.find(({ share }) => share > 1);
    if (slow === undefined) return;
    const silent = behind.find(({ share, isSilent }) => isSilent && share > SILENT_SHARE);
    if (silent === undefined) this.#lose(`it fell behind: ${slow.unread}`, 'lag');
    else this.#lose(`${silent.unread}, and nothing of it arrives`);
  }

  async #checkpointsOf(owner: ShardOwner): Promise<ReadonlyMap<number, Checkpoint | null>> {
    try {
      return await this.#options.readCheckpoints(owner);
    } catch (error) {
      if (!(error instanceof OperatingError)) throw error;
      this.#lose(`the store of ${owner.process} cannot be read: ${error.message}`);
      return new Map();
    }
  }

  async #isAnswered(work: Promise<void>): Promise<boolean> {
    let isAnswered = false;
    this.#run(work.then(() => void (isAnswered = true)));
    const { clock } = this.#options;
    return until(() => isAnswered || !this.#isReading, { clock, timeoutMs: STALL_MS });
  }

  /** Every stream and request ends with the same loss, which is reported once. */
  #violated(error: ViolationError): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.close();
    this.#options.onViolation(error);
  }

  #lose(reason: string, cause: LossCause = 'refused'): void {
    if (!this.#isReading || this.#isLost) return;
    this.#isLost = true;
    this.close();
    for (const [number, { journal, through }] of this.#feeds.entries()) {
      const to = Math.max(through, this.#heads[number] ?? 0);
      this.#options.record({ event: 'unread', journal, from: through, to });
    }
    this.#run(this.release());
    this.#options.onLost(reason, cause);
  }
}
