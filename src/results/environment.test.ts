import { tmpdir } from 'node:os';
import test from 'ava';
import { ENVIRONMENT_FACTS, isaFlagsOf, mountOf, packageVersion, readEnvironment } from './environment.ts';

const MOUNTS = [
  '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw',
  '23 22 0:21 / /home rw - xfs /dev/vdb rw',
  String.raw`24 22 0:22 / /mnt/a\040b rw - tmpfs tmpfs rw`,
  '25 22 0:23 / /home rw - btrfs /dev/vdc rw',
].join('\n');

test('a path lies on its longest mount point, the last mounted of equal ones', (t) => {
  t.is(mountOf('/var/lib', MOUNTS)?.description, 'ext4 /dev/vda1');
  t.is(mountOf('/home/x', MOUNTS)?.description, 'btrfs /dev/vdc');
  t.is(mountOf('/home2', MOUNTS)?.description, 'ext4 /dev/vda1');
  t.is(mountOf('/mnt/a b/c', MOUNTS)?.description, 'tmpfs tmpfs');
  t.is(mountOf('/x', ''), null);
  t.is(mountOf('/var', MOUNTS)?.options, 'rw,relatime');
  t.is(
    mountOf('/data', '7 1 8:1 / /data rw,noatime - ext4 /dev/vdb rw,data=ordered')?.options,
    'rw,noatime,data=ordered',
  );
});

test('only the instruction sets that matter are kept, of x86 and of ARM', (t) => {
  t.deepEqual(isaFlagsOf('processor: 0\nflags\t\t: fpu avx2 sha_ni avx512f rdpid\nflags : x'), [
    'avx2',
    'sha_ni',
    'avx512f',
  ]);
  t.deepEqual(isaFlagsOf('Features\t: fp asimd sha2 crc32'), ['asimd', 'sha2', 'crc32']);
  t.deepEqual(isaFlagsOf(''), []);
});

test('the version of a dependency is found without loading it', (t) => {
  t.regex(packageVersion('hdr-histogram-js', import.meta.url) ?? '', /^\d+\.\d+\.\d+/);
  t.is(packageVersion('no-such-package-at-all', import.meta.url), null);
});

test('this machine has an environment', (t) => {
  const environment = readEnvironment(tmpdir(), { zeromq: null, libzmq: null, lmdb: '1', addonBackend: null });
  t.true(environment.cores >= 1);
  t.true(environment.memoryBytes > 0);
  t.is(environment.node, process.version);
  t.is(environment.lmdb, '1');
});

test('every fact that decides figures has a place in the environment of a run', (t) => {
  const environment = readEnvironment(tmpdir(), { zeromq: null, libzmq: null, lmdb: null, addonBackend: null });
  for (const name of ENVIRONMENT_FACTS) {
    const [first = '', second] = name.split('.');
    const value: unknown = Reflect.get(environment, first);
    t.not(value, undefined, name);
    if (second !== undefined) t.true(typeof value === 'object' && value !== null && second in value, name);
  }
});
