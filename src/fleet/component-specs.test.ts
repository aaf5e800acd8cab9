import { spawnSync } from 'node:child_process';
import test from 'ava';
import fc from 'fast-check';
import { componentSpecs, type PipelineOptions, partitionsOfSummers, ratesOfChunkers } from './component-specs.ts';

test('every partition has one summer, and the shares differ by one at most', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 0, max: 200 }), (summers, more) => {
      const shares = partitionsOfSummers(summers + more, summers);
      t.deepEqual(
        shares.flat(),
        Array.from({ length: summers + more }, (_, index) => index),
      );
      const sizes = shares.map((share) => share.length);
      t.true(Math.max(...sizes) - Math.min(...sizes) <= 1);
      t.true(Math.min(...sizes) >= 1);
    }),
  );
});

test("the chunkers' rates add up to the rate, and none is 0", (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), fc.nat(1e6), (chunkers, more) => {
      const rates = ratesOfChunkers(chunkers + more, chunkers).map(Number);
      t.is(
        rates.reduce((total, rate) => total + rate, 0),
        chunkers + more,
      );
      t.true(Math.min(...rates) >= 1);
    }),
  );
  t.deepEqual(ratesOfChunkers('max', 2), ['max', 'max']);
});

const OPTIONS: PipelineOptions = {
  seed: 1,
  chunkers: 2,
  summers: 2,
  partitions: 4,
  files: 5,
  chunks: { low: 0, high: 9 },
  chunkBytes: { low: 32, high: 32 },
  rate: 5,
  batchBytes: 65_536,
  retentionBytes: 2 ** 20,
  slaMs: 1_500,
};

test('the arguments of the components are those that they document', (t) => {
  const specs = componentSpecs(OPTIONS, { dataFolder: '/data', endpoint: 'ipc:///data/broker.ipc' });
  t.deepEqual(
    specs.map((spec) => spec.argv.join(' ')),
    [
      'broker --data /data/broker --listen ipc:///data/broker.ipc --partitions 4 --retention 1048576 --supervised 3',
      'summer --data /data/summer-0 --connect ipc:///data/broker.ipc --partitions 0,1 --supervised 3',
      'summer --data /data/summer-1 --connect ipc:///data/broker.ipc --partitions 2,3 --supervised 3',
      ...[2, 3].map(
        (rate, number) =>
          `chunker --data /data/chunker-${number} --connect ipc:///data/broker.ipc --number ${number} --seed 1 ` +
          `--files 5 --chunks 0..9 --chunk-bytes 32 --rate ${rate} --batch-bytes 65536 --sla 1500ms --supervised 3`,
      ),
    ],
  );
});

function connectOf(name: string): string {
  return `ipc:///data/relay-${name}.ipc`;
}

test('what stands between a client and the broker is dialled by that client alone', (t) => {
  const specs = componentSpecs(OPTIONS, { dataFolder: '/data', endpoint: 'ipc:///data/broker.ipc', connectOf });
  for (const { name, argv } of specs) {
    const [flag, address] = name === 'broker' ? ['--listen', 'ipc:///data/broker.ipc'] : ['--connect', connectOf(name)];
    t.is(argv[argv.indexOf(flag) + 1], address, name);
  }
});

test('on a cluster there is no broker, and each process has its own flags and runs within its own words', (t) => {
  const cluster = {
    flagsOf: (name: string) => ({ journals: `gazette+http://${name}:1`, etcd: 'http://e:2' }),
    withinOf: (name: string) => ['enter', name],
  };
  const specs = componentSpecs(OPTIONS, { dataFolder: '/d', endpoint: '', cluster });
  t.false(specs.some(({ component }) => component === 'broker'));
  for (const { name, argv, within, nodeFlags = [] } of specs) {
    t.deepEqual(within, ['enter', name]);
    t.is(spawnSync(process.execPath, [...nodeFlags, '-p', '1']).status, 0, 'Node knows each flag');
    t.regex(nodeFlags.join(' '), /^--initial-old-space-size=\d+$/);
    t.is(argv[argv.indexOf('--journals') + 1], `gazette+http://${name}:1`);
    t.false(argv.includes('--connect'));
  }
});
