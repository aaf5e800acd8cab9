/**
 * The components as the simulation runs them: the production composition over a simulated clock, network and disk. This
 * file does the work of the commands' shells: identities, exits, and messages to the supervisor.
 */

import { prepareChunker } from '../../src/chunker/prepare-chunker.ts';
import type { PrepareChunkerOptions } from '../../src/chunker/prepare-chunker.ts';
import { retireProducer } from '../../src/chunker/retire-producer.ts';
import { JournalClient } from '../../src/journal/client.ts';
import { GazetteJournals } from '../../src/journal/gazette/gazette-journals.ts';
import { type ServeOptions, serveBroker } from '../../src/journal/broker/serve.ts';
import { type Journals, SUMS_JOURNAL } from '../../src/journal/journals.ts';
import { fileIdOf } from '../../src/message/chunk.ts';
import { type PrepareSummerOptions, prepareSummer } from '../../src/summer/prepare-summer.ts';
import type { StoreReader } from '../../src/store/store.ts';
import { ClusterRpc } from './cluster/cluster-rpc.ts';
import { CLUSTER_PREFIX, type SimulatedCluster } from './cluster/cluster.ts';
import { NEVER_EXPIRES_MS } from './departures.ts';
import type { Incarnation } from './world/incarnation.ts';
import { ObservedJournals } from './observed-journals.ts';
import type { ChunkerPlan } from './plan.ts';
import type { Handle, Run, SimulatedProcess } from './world/process.ts';

const PRODUCER = 0x69646e74;
const READ_OTHER_NS = 2e6;
const LATE_READER_CREDIT_BYTES = 1;
/** Where a replay began. */
const FROM = { local: 'the local copy', snapshot: 'a snapshot', beginning: 'the beginning of its log' } as const;

export const runBroker: Run = async (process, incarnation, store) => {
  const { plan, network, decorations, boot, counters, observer } = process.surroundings;
  if (process.starts > 1) counters.count('broker restarted');
  const startedNs = incarnation.clock.nowNs();
  const options: ServeOptions = {
    store,
    clock: incarnation.clock,
    config: {
      partitions: plan.partitions,
      retentionBytes: plan.retentionBytes,
      sumsBytes: plan.sumsBytes,
      pinAbsenceMs: plan.pinAbsenceMs,
      pinPatienceMs: NEVER_EXPIRES_MS,
    },
    incarnation: `${process.name}-${incarnation.number}`,
    bootHash: boot(),
    onPinDropped: ({ journal, name }) => {
      if (journal === SUMS_JOURNAL) observer.pins.dropped(name);
    },
    listen: (events) => Promise.resolve(network.listen(incarnation, events)),
    onFatal: (error) => process.fail(incarnation, error),
  };
  const serve = decorations.serveBroker ?? serveBroker;
  const served = await serve(decorations.broker?.(options, process.subject()) ?? options);
  observer.pins.follow(served.broker.state, startedNs);
  return served;
};

/** What the observers of a chunker remember over its incarnations. */
export type ChunkerMemory = {
  readonly producers: Set<string>;
  /** Producers that have drained. */
  readonly drained: Set<string>;
  /** Ids of the completed files. */
  readonly completed: Set<string>;
};

/** A chunker with this number. */
export function runChunker(index: number, chunkerPlan: ChunkerPlan, memory: ChunkerMemory): Run {
  return async (process, incarnation, store) => {
    const { plan, history, counters, decorations, boot } = process.surroundings;
    const journals = connect(process, incarnation);
    const { rate, fileCount, batchBytes, filesOpen, chunks, chunkBytes } = chunkerPlan;
    const isCurrent = (): boolean => !incarnation.isOver;
    let producer = '';
    const options: PrepareChunkerOptions = {
      journals,
      store,
      clock: incarnation.clock,
      workload: { seed: plan.seed, chunkerNumber: index, filesOpen, chunks, chunkBytes },
      fileCount,
      rate,
      batchBytes,
      slaMs: plan.slaMs,
      newProducer: () => newProducer(process),
      boot: `boot-${boot()}`,
      events: {
        onCompleted: ({ fileNumber, endIndex, intendedNs }) => {
          if (!isCurrent()) return;
          const file = fileIdOf(producer, fileNumber);
          if (memory.completed.has(file)) counters.count('file completed again after a restart');
          memory.completed.add(file);
          history.record({ event: 'completed', producer, fileNumber, endIndex, intendedNs });
        },
        onVerified: ({ fileNumber, chunks: count }) => {
          if (!isCurrent()) return;
          if (count === 0) counters.count('empty file summed');
          history.record({ event: 'verified', producer, fileNumber });
        },
        onAcknowledged: () => {},
        onScheduleLag: () => {},
        onDelay: (file, delaySeconds) => process.log.warn({ file, delaySeconds }, 'the sum of a file is late'),
        onDrained: () => {
          if (!isCurrent()) return;
          const { verifiedTotal, filesTotal } = chunker;
          process.isDrained = true;
          if (memory.drained.has(producer)) return;
          memory.drained.add(producer);
          history.record({
            event: 'drained',
            process: process.name,
            producer,
            verifiedTotal,
            filesCompletedTotal: filesTotal,
          });
        },
        onTold: () => {
          if (isCurrent()) incarnation.exit(0);
        },
        onFailure: (error) => process.fail(incarnation, error),
      },
    };
    const prepare = decorations.prepareChunker ?? prepareChunker;
    const decorated = decorations.chunker?.(options, process.subject()) ?? options;
    const { chunker, life, workload } = await prepare(decorated);
    producer = life.producer;
    if (isCurrent() && !memory.producers.has(producer)) {
      memory.producers.add(producer);
      history.record({ event: 'producer', process: process.name, producer, workload: workload.options, fileCount });
    }
    if (life.resumed) {
      counters.count(life.snapshot === null ? 'chunker resumed without a snapshot' : 'chunker resumed from a snapshot');
      if (life.isFinished && !memory.drained.has(producer)) counters.count('killed between its end and its word of it');
      if (life.isEnding) counters.count('chunker resumed at its end records');
      if (life.endStep !== null) counters.count('chunker killed after it had decided to end');
    }
    chunker.start();
    return {
      stop: async () => {
        await chunker.stop();
        journals.close();
        await decorated.store.close();
      },
      drain: () => chunker.drain(),
    };
  };
}

/** A summer of these partitions. `takesOver`: whether its next start is a takeover. */
export function runSummer(partitions: readonly number[], takesOver: (process: SimulatedProcess) => boolean): Run {
  return async (process, incarnation, store) => {
    const { observer, counters, decorations, plan } = process.surroundings;
    if (process.starts > 1) observer.restart(process.name, process.disk, partitions);
    const journals = connect(process, incarnation);
    const options: PrepareSummerOptions = {
      journals,
      store,
      clock: incarnation.clock,
      partitions,
      takeOver: takesOver(process),
      readOther: (path, read) => readOther(process, incarnation, { path, read }),
      lookAt: (path, check) => readOther(process, incarnation, { path, read: (reader) => void check(reader) }),
      ...(plan.cluster?.snapshots === undefined ? {} : { snapshots: plan.cluster.snapshots }),
      onClaim: (shard, claim) => {
        const { outcome } = claim;
        process.log.info({ shard, outcome }, 'claimed');
        if (incarnation.isOver) return;
        if (claim.outcome !== 'owned') counters.count('shard left out of a claim');
        else if (claim.replayed !== undefined) counters.count(`state replayed from ${FROM[claim.replayed.base]}`);
      },
      onLost: ({ shard }) => {
        if (incarnation.isOver) return;
        counters.count('shard lost, and the others kept');
        process.lostShards.add(shard);
      },
      onFailure: (error) => process.fail(incarnation, error),
    };
    const prepare = decorations.prepareSummer ?? prepareSummer;
    const decorated = decorations.summer?.(options, process.subject()) ?? options;
    const { summer } = await prepare(decorated);
    if (hasOutbox(process.disk)) counters.count('outbox replayed');
    summer.start();
    return {
      stop: async () => {
        await summer.stop();
        journals.close();
        await decorated.store.close();
      },
    };
  };
}

/** A reader of a chunk journal that starts at its beginning, long after. */
export const runLateReader: Run = async (process, incarnation): Promise<Handle> => {
  const { plan, counters } = process.surroundings;
  const journals = connect(process, incarnation);
  const { journals: infos } = await journals.list();
  const chosen = infos[process.prng().below(plan.partitions)];
  const stream = journals.read(chosen?.name ?? SUMS_JOURNAL, 0, { creditBytes: LATE_READER_CREDIT_BYTES });
  stream.next().then(
    (next) => {
      if (incarnation.isOver) return;
      if (next !== null && 'end' in next && next.end === 'trimmed') counters.count('reader below a trimmed journal');
      journals.close();
      incarnation.exit(0);
    },
    (error: unknown) => process.fail(incarnation, error),
  );
  return { stop: () => Promise.resolve(journals.close()) };
};

/** `stream-sum retire`. */
export function runRetire(producer: string): Run {
  return (process, incarnation) => {
    // What the command is told may overtake what the chunker is told, so it counts as told to nobody.
    const journals = connectPlainly(process, incarnation);
    retireProducer({ journals, producer, clock: incarnation.clock, log: process.log }).then(
      () => {
        journals.close();
        incarnation.exit(0);
      },
      (error: unknown) => process.fail(incarnation, error),
    );
    return Promise.resolve({ stop: () => Promise.resolve(journals.close()) });
  };
}

function connect(process: SimulatedProcess, incarnation: Incarnation): ObservedJournals {
  const { history, observer, counters } = process.surroundings;
  const client = connectPlainly(process, incarnation);
  return new ObservedJournals(client, { incarnation, history, observer, counters, disk: process.disk });
}

function connectPlainly(process: SimulatedProcess, incarnation: Incarnation): Journals {
  const { cluster } = process.surroundings;
  return cluster === null ? connectBroker(process, incarnation) : connectCluster(process, incarnation, cluster);
}

function connectCluster(process: SimulatedProcess, incarnation: Incarnation, cluster: SimulatedCluster): Journals {
  const { kernel, counters, decorations, plan } = process.surroundings;
  const subject = process.subject();
  const plain = new ClusterRpc({ cluster, kernel, counters, seed: plan.seed, incarnation });
  const rpc = decorations.rpc?.(plain, subject, cluster) ?? plain;
  const options = { clock: incarnation.clock, address: 'cluster', prefix: CLUSTER_PREFIX, log: process.log };
  const journals = new GazetteJournals(rpc, options);
  return decorations.gazette?.({ journals, rpc, options, cluster }, subject) ?? journals;
}

function connectBroker(process: SimulatedProcess, incarnation: Incarnation): Journals {
  const { network, decorations } = process.surroundings;
  const dialer = network.dialer(incarnation);
  let sessions = 0;
  return new JournalClient({
    dialer: decorations.dialer?.(dialer, process.subject()) ?? dialer,
    clock: incarnation.clock,
    name: process.name,
    address: 'network',
    clockHash: process.surroundings.boot(),
    onSessionLost: (reason) => process.log.info({ reason }, 'reconnecting'),
    newSession: () => {
      sessions += 1;
      return `${process.name}/${incarnation.number}/${sessions}`;
    },
  });
}

/** Reads another process's store as it is at one moment, some time from now. */
function readOther<T>(
  process: SimulatedProcess,
  incarnation: Incarnation,
  { path, read }: { path: string; read: (reader: StoreReader) => T },
): Promise<T> {
  const { kernel, diskAt } = process.surroundings;
  const delayNs = process.prng(PRODUCER, 1).below(READ_OTHER_NS);
  return new Promise((resolve, reject) => {
    if (!incarnation.isAlive()) return;
    kernel.after(delayNs, () =>
      incarnation.enter(() => {
        try {
          resolve(read(diskAt(path)));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      }),
    );
  });
}

/** 8 bytes, the first of which is not zero. */
function newProducer(process: SimulatedProcess): string {
  const prng = process.prng(PRODUCER);
  const high = (prng.next32() | 0x8000_0000) >>> 0;
  return high.toString(16).padStart(8, '0') + prng.next32().toString(16).padStart(8, '0');
}

function hasOutbox(disk: StoreReader): boolean {
  return disk.keys('outbox', { from: Buffer.from([0]), to: Buffer.alloc(64, 0xff), limit: 1 }).length > 0;
}
