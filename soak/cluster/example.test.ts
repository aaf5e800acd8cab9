/** What the example of Gazette is given, what is read of its summer, and what is said where a part is missing. */

import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { UsageError } from '../../src/core/errors.ts';
import { buildBinaries, cacheFolder, findExample } from './binaries.ts';
import { missingPackages } from './example-libraries.ts';
import { committedMessages, exampleJournals, exampleShards, servedShards } from './example-specs.ts';

const METRICS = `# HELP gazette_shard_read_messages_total Total number of messages processed by completed transactions.
# TYPE gazette_shard_read_messages_total counter
gazette_shard_read_messages_total{shard="/gazette/consumers/summer/items/chunks-part-000"} 120
gazette_shard_read_messages_total{shard="/gazette/consumers/summer/items/chunks-part-001"} 1.5e+06
gazette_shard_read_bytes_total{shard="/gazette/consumers/summer/items/chunks-part-000"} 99
gazette_shard_up{shard="chunks-part-000",status="PRIMARY"} 1
gazette_shard_up{shard="chunks-part-001",status="BACKFILL"} 1
`;

/** A folder with programs of these texts. */
function folderWith(t: ExecutionContext, programs: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder(t);
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

test('the chunks that count are those of committed transactions of all shards', (t) => {
  t.is(committedMessages(METRICS), 1_500_120);
  t.is(committedMessages(''), 0);
});

test('a shard that still reads its recovery log is not served', (t) => {
  t.is(servedShards(METRICS), 1);
});

test('each shard of the example has its chunk journal and its recovery log', (t) => {
  const journals = JSON.parse(exampleJournals({ replication: 3 }));
  t.is(journals.replication, 3);
  const names = journals.children.flatMap(
    ({ name, children = [] }: { name: string; children?: { name: string }[] }) => [
      name,
      ...children.map((child) => child.name),
    ],
  );
  const { common, shards } = JSON.parse(exampleShards());
  t.is(shards.length, 8);
  for (const { id, sources } of shards) {
    t.true(names.includes(sources[0].journal), id);
    t.true(names.includes(`${common.recovery_log_prefix}/${id}`), id);
  }
  t.true(names.includes('examples/stream-sum/sums'));
});

test('programs of the example that are missing are named, with how to get them', (t) => {
  const whole = { 'gazette-example-chunker': '', 'gazette-example-summer': '', gazctl: '' };
  const folder = folderWith(t, whole);
  t.deepEqual(findExample(folder), {
    chunker: join(folder, 'gazette-example-chunker'),
    summer: join(folder, 'gazette-example-summer'),
    gazctl: join(folder, 'gazctl'),
  });
  const without = folderWith(t, { 'gazette-example-chunker': '' });
  t.deepEqual(findExample(without), {
    missing:
      `gazette-example-summer and gazctl: not in --bin ${without}; build them with ` +
      '`npm run cluster -- build --example`, which needs Go, or name their folder by --bin',
  });
});

test('the packages of libraries that a linker has not found are named', (t) => {
  const gnu = '/usr/bin/ld: cannot find -lrocksdb: No such file or directory\n/usr/bin/ld: cannot find -llz4\n';
  t.deepEqual(missingPackages(gnu), ['librocksdb-dev', 'liblz4-dev']);
  t.deepEqual(missingPackages('ld.lld: error: unable to find library -lstdc++\n'), ['g++']);
  t.deepEqual(missingPackages('error: something else -lrocksdb'), []);
});

/** Where `go` says that this is the C compiler, which is `text`, or is not there. */
function toolchain(t: ExecutionContext, compiler: string, text: string | null): NodeJS.ProcessEnv {
  const go = `#!/bin/sh\nif [ "$1" = version ]; then echo go version go1.25 linux/amd64; else echo ${compiler}; fi\n`;
  const folder = folderWith(t, { go, ...(text === null ? {} : { [compiler]: text }) });
  return { PATH: `${folder}:/usr/bin:/bin`, XDG_CACHE_HOME: temporaryFolder(t) };
}

test('a build of the example without its C compiler or a library ends before anything is built', (t) => {
  const none = toolchain(t, 'no-such-compiler', null);
  const options = { withExample: true, environment: none };
  t.throws(() => buildBinaries(() => undefined, options), {
    instanceOf: UsageError,
    message: 'the C compiler no-such-compiler is missing: apt-get install gcc, or name another one by CC',
  });
  const said = '/bin/ld: cannot find -lsnappy: No such file\n/bin/ld: cannot find -lzstd: No such file\n';
  const poor = toolchain(t, 'poor-compiler', `#!/bin/sh\ncat >/dev/null\nprintf '${said}' >&2\nexit 1\n`);
  t.throws(() => buildBinaries(() => undefined, { withExample: true, environment: poor }), {
    instanceOf: UsageError,
    message:
      "libsnappy-dev and libzstd-dev: missing, and Gazette's example needs them; " +
      'apt-get install libsnappy-dev libzstd-dev',
  });
  t.false([none, poor].some((environment) => existsSync(cacheFolder(environment))));
});
