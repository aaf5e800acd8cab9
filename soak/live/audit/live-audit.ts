/**
 * Writes the part of a soak's log that concerns journals and stores: what follows for them from the words of the
 * processes, and what an auditor reads, in the order that the checkers ask for.
 *
 * It follows only journals that it has seen from the first record on. A run that continues an older data folder is
 * audited only at its end. The log says so, and from then on has nothing more of the journals.
 */

import { dirname, join } from 'node:path';
import type { Clock } from '../../../src/core/clock.ts';
import { OperatingError, ViolationError } from '../../../src/core/errors.ts';
import { formatCount } from '../../../src/core/units.ts';
import type { Journals } from '../../../src/journal/journals.ts';
import type { Component, ChunkerProgress, ComponentEvent, ReadyEvent } from '../../../src/component/protocol.ts';
import type { ComponentSpec } from '../../../src/fleet/component-process.ts';
import type { FleetListener } from '../../../src/fleet/fleet.ts';
import { readLmdbStore } from '../../../src/store/lmdb-store.ts';
import { SUMMER_TABLES } from '../../../src/summer/rows.ts';
import { type AuditContext, type Connect, withDeadline } from './end-audit.ts';
import { AUDITOR_PIN, Auditor, type ShardOwner } from './auditor.ts';
import type { Happening } from '../../guarantee/history.ts';
import { type Checkpoint, readCheckpoint } from '../../guarantee/checkpoint.ts';
import type { LiveDecorations } from '../decorations.ts';
import { auditDepthOf } from '../audit-depth.ts';
import { promisesOf } from '../engine.ts';
import type { SoakOptions } from '../soak-options.ts';

export type LiveAuditOptions = {
  readonly options: SoakOptions;
  readonly specs: readonly ComponentSpec[];
  readonly dataFolder: string;
  readonly endpoint: string;
  readonly clock: Clock;
  /** Null: there are no journals to read. */
  readonly connect: Connect | null;
  /** Aborted when the run is to end at once. */
  readonly signal: AbortSignal;
  readonly decorations?: LiveDecorations;
  readonly record: (happening: Happening) => void;
  /** A bug of this process. */
  readonly onError: (error: unknown) => void;
};

type Known = {
  readonly producer: string;
  verifiedTotal: number;
  /** The totals in its last report; null: it has not drained. */
  drained: { readonly verifiedTotal: number; readonly filesCompletedTotal: number } | null;
};

export class LiveAudit {
  readonly #from: LiveAuditOptions;
  /** By process, the shards that it owns now. */
  #owners: readonly ShardOwner[];
  #journals: Journals | null = null;
  #auditor: Auditor | null = null;
  /** Why the journals are not followed, or no longer; null: they are followed. */
  #notFollowed: string | null;
  /** The journals are not followed because something that was promised was not there. */
  #isRefused = false;
  #isComplete = false;
  /** Batches written into the history. */
  #batches = 0;
  #checkpoints = 0;
  /** By chunker, its producer and how many of its files are known to be verified. */
  readonly #producers = new Map<string, Known>();
  readonly #retired: AuditContext['retired'][number][] = [];
  /** Chunkers that were told to drain and have not said where they end. */
  readonly #undecided = new Set<string>();
  /** Chunkers whose producer has ended and whose next producer is not known yet. */
  readonly #unknown = new Set<string>();

  constructor(from: LiveAuditOptions) {
    const { options, specs, connect, dataFolder } = from;
    this.#from = from;
    this.#notFollowed = connect === null ? 'there are no journals' : auditDepthOf(options).why;
    this.#owners = specs
      .filter(({ component }) => component === 'summer')
      .map(({ name, partitions }) => ({ process: name, folder: join(dataFolder, name), shards: partitions }));
    if (this.#notFollowed !== null) this.#unfollow(this.#notFollowed, { isRefused: false });
  }

  /** How the run was audited, in words. */
  get description(): string {
    const { depth } = auditDepthOf(this.#from.options);
    if (depth === 'none') return 'none: only what the chunkers check';
    if (this.#notFollowed !== null) return `of the end only: ${this.#notFollowed}`;
    const seen = `${formatCount(this.#batches)} batches and ${formatCount(this.#checkpoints)} checkpoints`;
    return `${seen}, ${this.#isComplete ? 'to the end' : 'until the run was ended'}`;
  }

  // --- what the conductor sees ---

  /** What the audit hears from the fleet. */
  get listener(): Required<Pick<FleetListener, 'onStarted' | 'beforeRestart'>> {
    return {
      onStarted: (component) => this.#onStarted(component),
      beforeRestart: ({ name }) => this.#beforeRestart(name),
    };
  }

  onEvent(process: string, event: ComponentEvent): void {
    if (event.event === 'ready') return this.#onReady(process, event);
    const known = this.#producers.get(process);
    if (known === undefined) return;
    const { producer } = known;
    if (event.event === 'ending') {
      this.#record({ event: 'ending', producer, endStep: event.endStep });
      this.#decided(process);
    } else if (event.event === 'progress' && event.component === 'chunker') {
      this.#onProgress(producer, event);
      this.#verified(process, event.verifiedTotal);
    } else if (event.event === 'drained') {
      const { verifiedTotal, filesCompletedTotal } = event;
      this.#verified(process, verifiedTotal);
      known.drained = { verifiedTotal, filesCompletedTotal };
      this.#record({ event: 'drained', process, producer, verifiedTotal, filesCompletedTotal });
    }
  }

  /**
   * The producer of this chunker has ended, and another may come under its name. Until it is known, nothing is read
   * that may be from it.
   */
  onRetired(process: string, producer: string): void {
    this.#retired.push({ process, producer, verifiedTotal: this.#producers.get(process)?.verifiedTotal ?? 0 });
    this.#record({ event: 'retired', process, producer });
    this.#producers.delete(process);
    this.#unknown.add(process);
    this.#holdBack();
  }

  /** These chunkers are about to be told to drain. Their later records depend on where they decide to end. */
  beforeDrain(chunkers: readonly string[]): void {
    for (const chunker of chunkers) this.#undecided.add(chunker);
    this.#holdBack();
  }

  /** Everything except the broker has ended: reads the rest. */
  async readToEnd(): Promise<void> {
    const auditor = this.#auditor;
    if (auditor === null || this.#notFollowed !== null) return;
    await this.#guard(async () => {
      this.#isComplete = await auditor.readToEnd(this.#owners);
    });
  }

  /** Everything has ended. */
  close(): void {
    this.#auditor?.close();
    this.#journals?.close();
  }

  /** The producers for the audit at the end: those that have drained, and those that died for good. */
  get audited(): Pick<AuditContext, 'producers' | 'retired'> {
    const producers = [...this.#producers].flatMap(([process, { producer, drained }]) =>
      drained === null ? [] : [{ process, producer, ...drained }],
    );
    return { producers, retired: this.#retired };
  }

  // --- following ---

  async #onStarted(component: Component): Promise<void> {
    if (component === 'broker') await this.#guard(() => this.#attach());
    if (component === 'chunker' && this.#notFollowed === null) this.#auditor?.begin();
  }

  /** A killed process is down: its store is read before the process is started again. */
  async #beforeRestart(process: string): Promise<void> {
    const owner = this.#owners.find((candidate) => candidate.process === process);
    const auditor = this.#auditor;
    if (owner !== undefined && auditor !== null) await this.#guard(() => auditor.killed(owner));
  }

  async #attach(): Promise<void> {
    const { options, connect, endpoint, clock, signal, onError, decorations = {} } = this.#from;
    if (connect === null || (this.#notFollowed !== null && options.data === null)) return;
    const journals = connect(endpoint);
    this.#journals = decorations.journals?.(journals) ?? journals;
    const auditor = new Auditor({
      journals: this.#journals,
      clock,
      partitions: options.partitions,
      retentionBytes: options.retentionBytes,
      promises: promisesOf(options),
      readCheckpoints: decorations.checkpoints?.(readCheckpoints) ?? readCheckpoints,
      record: (happening) => this.#record(happening),
      onLost: (reason, cause) => this.#unfollow(reason, { isRefused: cause === 'refused' }),
      onViolation: (error) => this.#violated(error),
      onError,
    });
    // Pins that a killed run has left in the data folder must not hold back the journals of this run.
    if (this.#notFollowed !== null) return withDeadline(auditor.release(), signal);
    if (await withDeadline(auditor.attach(), signal)) this.#auditor = auditor;
    else this.#unfollow('the data folder holds the journals of an earlier run', { isRefused: false });
  }

  #onReady(process: string, event: ReadyEvent): void {
    this.#record({ event: 'ready', process });
    if (event.component === 'summer') {
      const { shards, epochs } = event;
      this.#own(process, shards);
      this.#auditor?.raised(shards.map((shard, index) => ({ process, shard, epoch: epochs[index] ?? 0 })));
    } else if (event.component === 'chunker') {
      const { producer, verifiedTotal, chunkerNumber } = event;
      const { seed, files: filesOpen, chunks, chunkBytes, partitions } = this.#from.options;
      const workload = { seed, chunkerNumber, filesOpen, chunks, chunkBytes, partitions };
      if (!this.#producers.has(process)) this.#producers.set(process, { producer, verifiedTotal, drained: null });
      this.#record({ event: 'producer', process, producer, workload, fileCount: null });
      if (this.#unknown.delete(process)) this.#holdBack();
    }
  }

  /** A successor may have taken the shards from another process. */
  #own(process: string, shards: readonly number[]): void {
    const folder = join(this.#from.dataFolder, process);
    const others = this.#owners
      .filter((owner) => owner.process !== process)
      .map((owner) => ({ ...owner, shards: owner.shards.filter((shard) => !shards.includes(shard)) }));
    this.#owners = [...others.filter((owner) => owner.shards.length > 0), { process, folder, shards }];
  }

  /** The acknowledgements of a second are one event. Their stamp is that of the report, which is later. */
  #onProgress(producer: string, { acknowledged = [] }: ChunkerProgress): void {
    const stampNs = this.#from.clock.nowNs();
    for (const [partition, through] of acknowledged.entries()) {
      if (through > 0) this.#record({ event: 'acknowledged', producer, partition, through, stampNs });
    }
  }

  #verified(process: string, verifiedTotal: number): void {
    const known = this.#producers.get(process);
    if (known === undefined || verifiedTotal <= known.verifiedTotal) return;
    const files = verifiedTotal - known.verifiedTotal;
    known.verifiedTotal = verifiedTotal;
    this.#record({ event: 'verified-files', producer: known.producer, files });
  }

  #decided(process: string): void {
    if (this.#undecided.delete(process)) this.#holdBack();
  }

  #holdBack(): void {
    this.#auditor?.holdBack(this.#undecided.size + this.#unknown.size > 0);
  }

  #record(happening: Happening): void {
    if (happening.event === 'batch') this.#batches += 1;
    if (happening.event === 'checkpoint') this.#checkpoints += 1;
    this.#from.record(happening);
  }

  /** From now on nothing is followed. `isRefused`: something that was promised was not there. */
  #unfollow(reason: string, { isRefused }: { readonly isRefused: boolean }): void {
    this.#notFollowed ??= reason;
    this.#isRefused ||= isRefused;
    const leavesDoubt = this.#from.options.audit === 'follow' || this.#isRefused;
    this.#record({ event: 'unfollowed', reason: this.#notFollowed, leavesDoubt });
  }

  /** The auditor itself was told something that is no longer there. */
  #violated({ kind, message: detail, witness }: ViolationError): void {
    this.#record({ event: 'violation', process: AUDITOR_PIN, kind, detail, ...witness });
    this.#unfollow(detail, { isRefused: false });
  }

  /** An error of the world ends the following. Any other error is a bug. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof ViolationError) return this.#violated(error);
      if (!(error instanceof OperatingError)) return this.#from.onError(error);
      this.#unfollow(error.message, { isRefused: true });
    }
  }
}

function readCheckpoints({ folder, shards }: ShardOwner): Promise<ReadonlyMap<number, Checkpoint | null>> {
  return readLmdbStore(
    { folder, scratchFolder: dirname(folder), kind: 'summer', tables: SUMMER_TABLES },
    (reader) => new Map(shards.map((shard) => [shard, readCheckpoint(reader, shard)])),
  );
}
