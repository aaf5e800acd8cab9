import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { UsageError } from '../../src/core/errors.ts';
import { LIVE_FAMILIES } from '../guarantee/fault-kinds.ts';
import { auditDepthOf } from './audit-depth.ts';
import { parseSoakOptions, SOAK_OPTION_DEFINITIONS, type SoakOptionTexts } from './options.ts';

function texts(changes: SoakOptionTexts = {}): SoakOptionTexts {
  const defaults = SOAK_OPTION_DEFINITIONS.map(([flags, , value]) => [
    flags.replace(/^--(\S+).*$/, '$1').replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return { ...Object.fromEntries(defaults), ...changes };
}

test('the defaults are those of the documentation', (t) => {
  const { seed, ...rest } = parseSoakOptions(texts());
  t.true(Number.isInteger(seed));
  t.deepEqual(rest, {
    durationMs: 60_000,
    chunkers: 3,
    summers: 3,
    partitions: 8,
    files: 100,
    chunks: { low: 100, high: 100 },
    chunkBytes: { low: 32, high: 32 },
    rate: 20_000,
    batchBytes: 262_144,
    retentionBytes: 268_435_456,
    slaMs: 30_000,
    transport: 'ipc',
    faults: ['kill', 'pause', 'partition'],
    faultIntervalMs: 3_000,
    faultsAtOnce: 1,
    faultPlan: null,
    upgradeFrom: null,
    audit: 'auto',
    data: null,
    results: 'results',
    keepData: false,
    history: 'recent',
    metricsPort: null,
    expectations: [],
  });
});

test('ranges, units and max are understood', (t) => {
  const options = parseSoakOptions(texts({ chunks: '0..1000', chunkBytes: '1..64KiB', rate: 'max', seed: '7' }));
  t.deepEqual(options.chunks, { low: 0, high: 1000 });
  t.deepEqual(options.chunkBytes, { low: 1, high: 65_536 });
  t.is(options.rate, 'max');
  t.is(options.seed, 7);
});

test('nonsense is one line that names the flag', (t) => {
  const refused: readonly (readonly [SoakOptionTexts, RegExp])[] = [
    [{ duration: 'soon' }, /^--duration soon: /],
    [{ duration: '10ms' }, /^--duration 10ms: must be at least 1s$/],
    [{ seed: '-1' }, /^--seed -1: /],
    [{ seed: '4294967296' }, /^--seed 4294967296: /],
    [{ chunkers: '0' }, /^--chunkers 0: /],
    [{ summers: '9' }, /^--summers 9: must be at most --partitions 8$/],
    [{ chunkBytes: '0..10' }, /^--chunk-bytes 0..10: /],
    [{ rate: '2' }, /^--rate 2: must be at least --chunkers 3$/],
    [{ rate: 'fast' }, /^--rate fast: /],
    [{ transport: 'udp' }, /^--transport udp: expected one of ipc, tcp$/],
    [{ faults: 'kill,all' }, /^--faults kill,all: expected a list of kill, pause, .*, or all, or none$/],
    [{ faultPlan: '/nowhere/faults.csv' }, /^--fault-plan \/nowhere\/faults.csv: .*ENOENT/],
    [{ faultInterval: '1ms' }, /^--fault-interval 1ms: must be at least 100ms$/],
    [{ data: '' }, /^--data: the value is missing$/],
    [{ results: '' }, /^--results: the value is missing$/],
    [{ metricsPort: '65536' }, /^--metrics-port 65536: /],
    [{ metricsPort: 'any' }, /^--metrics-port any: /],
  ];
  for (const [changes, message] of refused) {
    t.throws(() => parseSoakOptions(texts(changes)), { instanceOf: UsageError, message }, JSON.stringify(changes));
  }
});

test('a plan that hurts the link of an auditor is refused where none follows the journals', (t) => {
  const faultPlan = join(temporaryFolder(t), 'faults.csv');
  writeFileSync(
    faultPlan,
    'kind,target,at_s,length_s,link_mode\npartition-refuse,auditor,1,1,"{""mode"":""refuse"",""how"":""reset""}"\n',
  );
  t.deepEqual(parseSoakOptions(texts({ faultPlan })).faults, ['partition']);
  t.throws(() => parseSoakOptions(texts({ faultPlan, audit: 'end' })), {
    instanceOf: UsageError,
    message: '--fault-plan: row 1: partition-refuse hits auditor, which this run does not have',
  });
});

function asked(faults: string): readonly string[] {
  return parseSoakOptions(texts({ faults })).faults;
}

test('faults are asked for by family, in any order', (t) => {
  t.deepEqual(asked('none'), []);
  t.deepEqual(asked('pause,kill'), ['kill', 'pause']);
  t.deepEqual(asked('all'), ['kill', 'pause', 'partition', 'takeover', 'restart', 'retire']);
});

test("on a cluster the families are others, and members are hurt only where they are the run's", (t) => {
  const engine = 'gazette';
  const own = parseSoakOptions(texts({ engine }));
  t.deepEqual(own.faults, ['kill', 'pause', 'takeover', 'restart']);
  t.is(own.slaMs, 180_000);
  t.deepEqual(parseSoakOptions(texts({ engine, duration: '5m', faults: 'network,member' })).faults, [
    'member',
    'network',
  ]);
  const place = { journals: 'gazette+http://a:1', etcd: 'http://b:2' };
  for (const [changes, message] of [
    [
      { faults: 'partition' },
      /^--faults partition: expected a list of kill, pause, takeover, restart, member, network,/,
    ],
    [{ ...place, faults: 'member' }, /^--faults member: expected a list of kill, pause, takeover, restart, or all/],
    [{ data: 'x' }, /^--data: a cluster that a soak starts is a new one each time/],
    [{ scenario: 'crash-two-brokers', brokers: '3' }, /^--scenario crash-two-brokers needs 4 brokers/],
  ] as const) {
    t.throws(() => parseSoakOptions(texts({ engine, ...changes })), { instanceOf: UsageError, message });
  }
});

function upgrading(faults: string): readonly string[] {
  return parseSoakOptions(texts({ faults, upgradeFrom: 'HEAD~3' })).faults;
}

test('a build to upgrade from asks for upgrades, and upgrades ask for it', (t) => {
  t.deepEqual(upgrading('none'), ['upgrade']);
  t.deepEqual(upgrading('upgrade,kill'), ['kill', 'upgrade']);
  t.deepEqual(upgrading('all').toSorted(), [...LIVE_FAMILIES].toSorted());
  t.throws(() => asked('kill,upgrade'), {
    instanceOf: UsageError,
    message: '--faults upgrade: --upgrade-from must name the build by which the run begins',
  });
});

function depth(changes: SoakOptionTexts): string {
  return auditDepthOf(parseSoakOptions(texts(changes))).depth;
}

test('a paced run is followed up to a rate in chunks and in bytes, and otherwise as it was asked', (t) => {
  t.is(depth({}), 'follow');
  t.is(depth({ rate: 'max' }), 'end');
  t.is(depth({ rate: '100000' }), 'end');
  t.is(depth({ rate: '10000', chunkBytes: '4KiB' }), 'end');
  t.is(depth({ rate: 'max', audit: 'follow' }), 'follow');
  t.is(depth({ audit: 'end' }), 'end');
  t.is(depth({ audit: 'none' }), 'none');
});
