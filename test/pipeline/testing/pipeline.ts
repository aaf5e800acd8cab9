/** A whole pipeline of real processes in a temporary folder, and the final content of its sums journal. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestProcess, type Teardown, temporaryFolder, within } from '../../../src/cli/testing/test-process.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { crc32c } from '../../../src/hash/crc32c.ts';
import { JournalClient } from '../../../src/journal/client.ts';
import { clockHash } from '../../../src/journal/stamps.ts';
import { type Journals, SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { decodeBatch } from '../../../src/message/batch.ts';
import { fileNumberOf } from '../../../src/message/chunk.ts';
import { type Sum, decodeSums } from '../../../src/message/sum.ts';
import { parseEndpoint } from '../../../src/transport/endpoint.ts';
import { ZeromqDialer } from '../../../src/transport/zeromq-link.ts';
import { Workload, type WorkloadOptions } from '../../../src/workload/workload.ts';
import type { Plan } from './tampering.ts';

const PLANNED = fileURLToPath(new URL('./component.js', import.meta.url));

/** What every chunker of a test publishes, apart from seed and number. */
const WORKLOAD = { filesOpen: 10, chunks: { low: 0, high: 20 }, chunkBytes: { low: 1, high: 600 } } as const;

export type SumInJournal = Sum & { readonly epoch: number; readonly shard: string };

export type SummerOptions = { partitions?: string; takeOver?: boolean; takeOverFrom?: string; plan?: Plan };

export class Pipeline {
  readonly folder: string;
  readonly endpoint: string;
  readonly partitions: number;
  readonly #t: Teardown;
  #isHeld = false;

  constructor(t: Teardown, partitions: number, folder: string = temporaryFolder(t)) {
    this.#t = t;
    this.partitions = partitions;
    this.folder = folder;
    this.endpoint = `ipc://${join(this.folder, 'broker.sock')}`;
  }

  /** A supervised component: it ends when this process ends. */
  start(argv: readonly string[], plan?: Plan): TestProcess {
    const options = plan === undefined ? {} : { script: PLANNED, before: [JSON.stringify(plan)] };
    return new TestProcess(this.#t, [...argv, '--supervised'], options);
  }

  /** A command as a person runs it. */
  plain(argv: readonly string[]): TestProcess {
    return new TestProcess(this.#t, argv);
  }

  /** `isAudited`: an auditor's pin keeps every sum from the beginning. */
  async broker(
    flags: Record<string, string> = {},
    { isAudited = true }: { isAudited?: boolean } = {},
  ): Promise<TestProcess> {
    const { endpoint, partitions } = this;
    const data = join(this.folder, 'broker');
    const more = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
    const argv = ['broker', '--data', data, '--listen', endpoint, '--partitions', String(partitions), ...more];
    const broker = this.start(argv);
    await broker.ready();
    if (isAudited && !this.#isHeld) {
      // An auditor's pin at the beginning keeps every sum.
      const journals = this.connect();
      await within(journals.pin(SUMS_JOURNAL, 'auditor'), () => 'the pin of the auditor');
      journals.close();
      this.#isHeld = true;
    }
    return broker;
  }

  summer(name: string, options: SummerOptions = {}): TestProcess {
    const { partitions = `0-${this.partitions - 1}`, takeOver = false, takeOverFrom, plan } = options;
    const argv = ['summer', '--data', this.path(name), '--connect', this.endpoint, '--partitions', partitions];
    if (takeOver) argv.push('--take-over');
    if (takeOverFrom !== undefined) argv.push('--take-over-from', takeOverFrom);
    return this.start(argv, plan);
  }

  chunker(
    name: string,
    options: { number?: number; rate?: string; count?: number; seed?: number; chunks?: string; sla?: string } = {},
  ): TestProcess {
    const { number = 0, rate = '500', count, seed = 1, sla = '60s' } = options;
    const { filesOpen, chunkBytes } = WORKLOAD;
    const { chunks = `${WORKLOAD.chunks.low}..${WORKLOAD.chunks.high}` } = options;
    const flags = {
      data: this.path(name),
      connect: this.endpoint,
      number,
      seed,
      rate,
      files: filesOpen,
      chunks,
      'chunk-bytes': `${chunkBytes.low}..${chunkBytes.high}`,
      'batch-bytes': '8KiB',
      sla,
      ...(count === undefined ? {} : { count }),
    };
    return this.start(['chunker', ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)])]);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  workload({ seed = 1, number = 0 }: { seed?: number; number?: number } = {}): Workload {
    const options: WorkloadOptions = { ...WORKLOAD, seed, chunkerNumber: number, partitions: this.partitions };
    return new Workload(options);
  }

  connect(): Journals {
    return new JournalClient({
      dialer: new ZeromqDialer(parseEndpoint(this.endpoint)),
      clock: systemClock,
      name: 'test',
      address: this.endpoint,
      clockHash: clockHash(),
      newSession: () => randomBytes(16).toString('hex'),
    });
  }

  /** All sums in the journal, in its order; replays of an index are left out. */
  async sums(): Promise<SumInJournal[]> {
    const journals = this.connect();
    const head = await within(journals.head(SUMS_JOURNAL), () => 'the head of the sums');
    const stream = journals.read(SUMS_JOURNAL, 0, { creditBytes: 1024 * 1024 });
    const sums: SumInJournal[] = [];
    for (let offset = 0; offset < head; ) {
      const next = await within(stream.next(), () => `the sums at ${offset}`);
      if (next === null || !('bytes' in next)) throw new Error(`the sums end: ${JSON.stringify(next)}`);
      const batch = decodeBatch(next.bytes, SUMS_JOURNAL, crc32c);
      if ('fault' in batch) throw new Error(batch.fault);
      for (const sum of decodeSums(batch.payload) ?? []) {
        sums.push({ ...sum, epoch: batch.epoch, shard: batch.producer });
      }
      offset = next.end;
    }
    journals.close();
    return sums;
  }
}

/**
 * The faults in the sums of one producer's first `files` files: one line for each file without a sum, with a wrong sum
 * or with more than one, and one line for each sum of another file.
 */
export function faultsIn(
  sums: readonly SumInJournal[],
  from: { producer: string; files: number; workload: Workload },
): string[] {
  const faults: string[] = [];
  const seen = new Map<number, number>();
  for (const sum of sums.filter(({ fileId }) => fileId.startsWith(from.producer))) {
    const file = fileNumberOf(sum.fileId);
    seen.set(file, (seen.get(file) ?? 0) + 1);
    const { digest, bytes, lastSequence } = from.workload.expectedSum(file);
    if (sum.digest !== digest || sum.bytes !== bytes || sum.lastSequence !== lastSequence)
      faults.push(`file ${file} has a wrong sum`);
  }
  for (let file = 0; file < from.files; file += 1) {
    const count = seen.get(file) ?? 0;
    if (count !== 1) faults.push(`file ${file} has ${count} sums`);
    seen.delete(file);
  }
  for (const file of seen.keys()) faults.push(`file ${file} was never published`);
  return faults;
}

/** Waits until the chunker says that all is verified. Returns its producer and its number of files. */
export async function drained(chunker: TestProcess): Promise<{ files: number }> {
  const files = await chunker.event((event) => (event.event === 'drained' ? event.filesCompletedTotal : undefined));
  const exit = await chunker.exit();
  if (exit.code !== 0) throw new Error(`the chunker exited ${exit.code}: ${chunker.lastMessage}`);
  return { files };
}

export async function producerOf(chunker: TestProcess): Promise<string> {
  const ready = await chunker.ready();
  if (ready.component !== 'chunker') throw new Error('no chunker');
  return ready.producer;
}
