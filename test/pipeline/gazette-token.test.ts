/** Brokers that ask for a token, and clients with the key, without it, and with another one. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEADLINE_MS, TestProcess, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { systemClock } from '../../src/core/clock.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { parseGazetteAddress } from '../../src/journal/gazette/address.ts';
import { readBrokerKeys } from '../../src/journal/gazette/auth.ts';
import { GazetteJournals } from '../../src/journal/gazette/gazette-journals.ts';
import { Rpc, importLibrary } from '../../src/journal/gazette/rpc.ts';
import { clusterTest, startCluster } from './testing/real-cluster.ts';

const FILES = 200;

clusterTest('brokers that ask for a token serve who has their key, and nobody else', async (t, binaries) => {
  t.timeout(6 * DEADLINE_MS);
  const folder = temporaryFolder(t);
  const keyFile = join(folder, 'key');
  writeFileSync(keyFile, Buffer.from('shared by brokers and clients').toString('base64'));
  const brokerKeys = readBrokerKeys(keyFile, '--broker-auth-key');
  const cluster = await startCluster(t, { binaries, brokers: 1, replication: 1, etcd: 1, brokerKeys });
  const [journals = ''] = cluster.brokerAddresses;
  const [etcd = ''] = cluster.etcdAddresses;

  const library = await importLibrary();
  const address = parseGazetteAddress(journals, '--journals');
  for (const [brokerKey, words] of [
    [null, /UNAUTHENTICATED: missing or empty Authorization token/],
    [Buffer.from('another key'), /UNAUTHENTICATED: verifying Authorization/],
  ] as const) {
    const rpc = new Rpc(library, { brokers: address.brokers, etcd: [etcd], brokerKey });
    const stranger = new GazetteJournals(rpc, { ...address, clock: systemClock });
    await t.throwsAsync(stranger.list(), { instanceOf: OperatingError, message: words });
    await t.throwsAsync(stranger.head('sums'), { instanceOf: OperatingError, message: words });
    stranger.close();
  }

  const at = ['--journals', journals, '--etcd', etcd];
  const withKey = [...at, '--broker-auth-key', keyFile, '--supervised'];
  const stranger = new TestProcess(t, ['summer', '--data', join(folder, 'other'), ...at, '--partitions', '0-1']);
  t.is((await stranger.exit()).code, 1);
  const summer = new TestProcess(t, ['summer', '--data', join(folder, 'summer'), ...withKey, '--partitions', '0-1']);
  await summer.ready();
  const work = ['--files', '20', '--chunks', '0..40', '--seed', '5', '--count', String(FILES)];
  const chunker = new TestProcess(t, ['chunker', '--data', join(folder, 'chunker'), ...withKey, ...work]);
  const drained = await chunker.event((event) => (event.event === 'drained' ? event : undefined));
  t.is(drained.verifiedTotal, FILES);
  t.deepEqual(await chunker.exit(), { code: 0, signal: null });
});
