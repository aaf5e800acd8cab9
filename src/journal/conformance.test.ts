import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { parseEndpoint } from '../transport/endpoint.ts';
import { freePort } from '../transport/testing/free-port.ts';
import { BrokerServer } from './broker/server.ts';
import { type Engine, testJournals } from './conformance.ts';
import { EMBEDDED } from './conformance/embedded.ts';
import { WrappedJournals } from './wrapped-journals.ts';
import { CONFIG } from './testing/broker-harness.ts';
import { connect } from './testing/connect.ts';
import type { AppendOutcome, Journals, ShardEpoch } from './journals.ts';

/** The embedded engine on a real store and a real socket. */
async function start(kind: 'ipc' | 'tcp'): Promise<Engine> {
  const cleanups: (() => void | Promise<void>)[] = [];
  const folder = temporaryFolder({ teardown: (call) => void cleanups.push(call) });
  const endpoint = kind === 'ipc' ? `ipc://${join(folder, 'socket')}` : `tcp://127.0.0.1:${await freePort()}`;
  const server = await BrokerServer.start({
    folder: join(folder, 'data'),
    endpoint: parseEndpoint(endpoint),
    config: CONFIG,
    onFatal: (error) => {
      throw error;
    },
  });
  return {
    connect: () => connect(endpoint),
    async stop() {
      await server.stop();
      for (const cleanup of cleanups) await cleanup();
    },
  };
}

for (const kind of ['ipc', 'tcp'] as const) {
  for (const { title, run } of testJournals(() => start(kind), EMBEDDED)) {
    test(`the embedded engine over ${kind}: ${title}`, async (t) => {
      await t.notThrowsAsync(run());
    });
  }
}

/** Accepts every epoch by putting the right one in its place. */
class Unfenced extends WrappedJournals {
  override async append(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    const outcome = await this.inner.append(journal, batch, owner);
    return outcome.outcome === 'fenced' ? { outcome: 'expected', n: 1, stampNs: 0 } : outcome;
  }
}

/** Forgets that a producer has ended. */
class Unended extends WrappedJournals {
  override async append(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    const outcome = await this.inner.append(journal, batch, owner);
    return outcome.outcome === 'ended' ? { outcome: 'committed', begin: 0, end: batch.length, stampNs: 0 } : outcome;
  }
}

const WRONG: readonly (readonly [name: string, wrap: (journals: Journals) => Journals])[] = [
  ['does not fence', (journals) => new Unfenced(journals)],
  ['takes records of a producer that has ended', (journals) => new Unended(journals)],
];

async function startWrapped(wrap: (journals: Journals) => Journals): Promise<Engine> {
  const engine = await start('ipc');
  return { ...engine, connect: () => wrap(engine.connect()) };
}

for (const [name, wrap] of WRONG) {
  test(`the suite finds an engine that ${name}`, async (t) => {
    const failed: string[] = [];
    for (const { title, run } of testJournals(() => startWrapped(wrap))) await run().catch(() => failed.push(title));
    t.true(failed.length > 0 && failed.length < 6, failed.join('\n'));
  });
}
