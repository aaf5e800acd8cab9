/**
 * Judges what the kept stores of a run hold: the batches that are still in the journals, and the state of each shard.
 * It reads only copies and never opens a store in place (`src/store/lmdb-copy.ts` says why).
 *
 * Journals are trimmed as they are folded, so most of a run is no longer in them. What is left is checked: whether it
 * verifies, fits together, and is what the seed says.
 */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { BROKER_TABLES, CONFIG_KEY, isConfigRow, isJournalRow, isShardRow } from '../../src/journal/broker/tables.ts';
import { SUMS_JOURNAL, chunkJournal } from '../../src/journal/journals.ts';
import type { Batch } from '../../src/message/batch.ts';
import { fileIdOf, fileNumberOf } from '../../src/message/chunk.ts';
import { decodeSums } from '../../src/message/sum.ts';
import { readLmdbStore } from '../../src/store/lmdb-store.ts';
import { keyOf, offsetKey, offsetOfKey, openRow } from '../../src/store/row.ts';
import type { StoreReader } from '../../src/store/store.ts';
import { SUMMER_TABLES } from '../../src/summer/rows.ts';
import { Workload, fillChunk } from '../../src/workload/workload.ts';
import { type Checkpoint, readCheckpoint } from '../guarantee/checkpoint.ts';
import { isOfSeed } from '../guarantee/checkers/acknowledged.ts';
import { BatchReader, type BatchEvent } from '../guarantee/checkers/batch-reader.ts';
import { ChunkCursor } from '../guarantee/checkers/chunk-cursor.ts';
import { FindingList } from '../guarantee/checkers/finding-list.ts';
import { JournalsChecker } from '../guarantee/checkers/journals.ts';
import type { Findings, Happening, HistoryEvent } from '../guarantee/history.ts';

export type Producer = Extract<HistoryEvent, { event: 'producer' }>;

export type StoredFindings = {
  readonly findings: readonly Findings[];
  /** How much was judged, in words. */
  readonly what: string;
  readonly batches: number;
  readonly states: number;
};

/** How many batches are read from a store at a time. */
const PAGE_BATCHES = 256;
/** The name of the finder in violations. */
const STORES = 'stores';

type Shard = { readonly shard: number; readonly path: string };
type Journal = { readonly name: string; readonly begin: number; readonly head: number };
type Journals = { readonly journals: readonly Journal[]; readonly shards: readonly Shard[]; readonly batches: number };

/** `producers`: those of the run. Throws an OperatingError for a store that cannot be read. */
export async function recheckStores(dataFolder: string, producers: readonly Producer[]): Promise<StoredFindings> {
  const scratchFolder = await mkdtemp(join(tmpdir(), 'stream-sum-audit-'));
  try {
    const check = new StoredCheck(producers);
    const broker = {
      folder: join(dataFolder, 'broker'),
      scratchFolder,
      kind: 'broker',
      tables: BROKER_TABLES,
    } as const;
    const { journals, shards, batches } = await readLmdbStore(broker, (reader) => check.journals(reader));
    let states = 0;
    for (const { shard, path } of shards) {
      // The folder may have been moved together with the stores.
      const folder = join(dataFolder, basename(path));
      if (!existsSync(folder)) continue;
      const summer = { folder, scratchFolder, kind: 'summer', tables: SUMMER_TABLES } as const;
      const checkpoint = await readLmdbStore(summer, (reader) => readCheckpoint(reader, shard));
      const journal = journals[shard];
      if (checkpoint === null || journal === undefined) continue;
      check.state(shard, checkpoint, journal);
      states += 1;
    }
    const whole = journals.reduce((bytes, { head }) => bytes + head, 0);
    const kept = journals.reduce((bytes, { begin, head }) => bytes + head - begin, 0);
    const share = whole === 0 ? 100 : (kept / whole) * 100;
    const percent = share.toFixed(1);
    const what = `${batches} batches, ${percent} % of all that was in the journals, and ${states} states of shards`;
    return { findings: check.finish(), what, batches, states };
  } finally {
    await rm(scratchFolder, { recursive: true, force: true });
  }
}

class StoredCheck {
  readonly #reader = new BatchReader();
  readonly #journals = new JournalsChecker(this.#reader);
  readonly #found = new FindingList(STORES);
  readonly #cursor = new ChunkCursor();
  readonly #workloads: ReadonlyMap<string, Workload>;
  readonly #producers: readonly Producer[];
  readonly #summed = new Set<string>();

  constructor(producers: readonly Producer[]) {
    this.#producers = producers;
    this.#workloads = new Map(producers.map(({ producer, workload }) => [producer, new Workload(workload)]));
  }

  finish(): Findings[] {
    return [this.#journals.finish(), this.#found.findings];
  }

  /** Reads every batch that is left. */
  journals(reader: StoreReader): Journals {
    const config = reader.get('config', CONFIG_KEY);
    if (config === undefined) return { journals: [], shards: [], batches: 0 };
    const { partitions } = openRow(config, isConfigRow, 'the configuration');
    this.#tell({ event: 'run', seed: 0, slaMs: 0, partitions, processes: [], faults: {} });
    for (const { atNs: _, ...producer } of this.#producers) this.#tell(producer);
    const journals: Journal[] = [];
    let batches = 0;
    for (let number = 0; number <= partitions; number += 1) {
      const name = number === partitions ? SUMS_JOURNAL : chunkJournal(number);
      const row = reader.get('journals', keyOf(number));
      const { begin, head } =
        row === undefined ? { begin: 0, head: 0 } : openRow(row, isJournalRow, `the journal ${name}`);
      if (begin > 0) this.#tell({ event: 'unread', journal: name, from: 0, to: begin });
      for (const event of batchesIn(reader, { number, name })) {
        this.#read(event);
        batches += 1;
      }
      this.#tell({ event: 'head', journal: name, offset: head, begin });
      journals.push({ name, begin, head });
    }
    const shards = Array.from({ length: partitions }, (_, shard) => shard).flatMap((shard): Shard[] => {
      const row = reader.get('shards', keyOf(shard));
      const path = row === undefined ? null : openRow(row, isShardRow, `shard ${shard}`).confirmed;
      return path === null ? [] : [{ shard, path }];
    });
    return { journals, shards, batches };
  }

  #tell(happening: Happening): void {
    this.#journals.observe({ ...happening, atNs: 0 });
  }

  #read(event: BatchEvent): void {
    this.#journals.observe(event);
    const batch = this.#reader.readSound(event);
    if (batch === null) return;
    if (batch.kind === 'sums') this.#readSums(event, batch);
    else if (batch.kind === 'chunks') this.#readChunks(event, batch);
  }

  #readChunks({ journal, begin: offset }: BatchEvent, batch: Batch): void {
    const workload = this.#workloads.get(batch.producer);
    if (workload === undefined) return;
    const cursor = this.#cursor;
    cursor.start(batch.payload);
    for (let index = batch.firstIndex; cursor.next(); index += 1) {
      if (isOfSeed(workload, cursor, batch.payload)) continue;
      const file = fileIdOf(batch.producer, cursor.fileNumber);
      this.#found.violation('mismatched', 'the record differs from what the seed says', {
        journal,
        offset,
        index,
        file,
      });
    }
  }

  #readSums({ journal, begin: offset }: BatchEvent, batch: Batch): void {
    let index = batch.firstIndex;
    for (const { fileId: file, digest, bytes, lastSequence } of decodeSums(batch.payload) ?? []) {
      const witness = { journal, offset, index, file };
      index += 1;
      if (this.#summed.has(file)) this.#found.violation('duplicate', 'a second sum of the file', witness);
      this.#summed.add(file);
      const workload = this.#workloads.get(file.slice(0, 16));
      if (workload === undefined) {
        this.#found.violation('phantom', 'a sum of a file that is none of this run', witness);
        continue;
      }
      const expected = workload.expectedSum(fileNumberOf(file));
      if (digest === expected.digest && bytes === expected.bytes && lastSequence === expected.lastSequence) continue;
      const detail = `the sum ${digest} of ${bytes} bytes should be ${expected.digest} of ${expected.bytes}`;
      this.#found.violation('mismatched', detail, witness);
    }
  }

  /** Checks what a shard has committed against its journal and against the seed. */
  state(shard: number, { offset, openFiles }: Checkpoint, { name, begin, head }: Journal): void {
    const witness = { journal: name, offset };
    if (offset > head) this.#found.violation('state-ahead', `shard ${shard} is folded beyond ${head}`, witness);
    if (offset < begin) {
      const detail = `shard ${shard} is folded to here, and the journal begins at ${begin}`;
      this.#found.violation('acknowledged-loss', detail, witness);
    }
    for (const [file, state] of Object.entries(openFiles)) {
      const workload = this.#workloads.get(file.slice(0, 16));
      if (workload === undefined) continue;
      const expected = prefixOf(workload, fileNumberOf(file), state.lastSequence);
      if (expected.digest === state.digest && expected.bytes === state.bytes) continue;
      const detail =
        `after chunk ${state.lastSequence} the state is ${state.digest} of ${state.bytes} bytes, ` +
        `and should be ${expected.digest} of ${expected.bytes}`;
      this.#found.violation('mismatched', detail, { ...witness, file });
    }
  }
}

/** The first chunks of a file as the seed gives them, with node:crypto. */
function prefixOf(workload: Workload, fileNumber: number, chunks: number): { digest: string; bytes: number } {
  const seed = workload.fileSeed(fileNumber);
  const hash = createHash('sha256');
  let bytes = 0;
  for (let sequence = 1; sequence <= Math.min(chunks, workload.chunkCount(seed)); sequence += 1) {
    const chunk = Buffer.alloc(workload.chunkBytes(seed, sequence));
    fillChunk(new DataView(chunk.buffer, chunk.byteOffset, chunk.length), 0, chunk.length, seed, sequence);
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { digest: hash.digest('hex'), bytes };
}

/** In the order of the journal. */
function* batchesIn(
  reader: StoreReader,
  { number, name }: { readonly number: number; readonly name: string },
): Generator<BatchEvent> {
  let from = offsetKey(number, 0);
  for (;;) {
    const page = reader.range('batches', { from, to: keyOf(number + 1), limit: PAGE_BATCHES });
    for (const { key, value } of page) {
      const begin = offsetOfKey(key);
      yield { event: 'batch', atNs: 0, journal: name, begin, end: begin + value.length, stampNs: 0, bytes: value };
    }
    const last = page.at(-1);
    if (last === undefined) return;
    from = offsetKey(number, offsetOfKey(last.key) + 1);
  }
}
