import test from 'ava';
import { cpuLimitOf, processorOf, type Read } from './machine.ts';

function readerOf(files: Readonly<Record<string, string>>): Read {
  return (path) => files[path] ?? null;
}

const NOTHING = readerOf({});
const ZEN = (family: number, model: number): string =>
  [
    'processor\t: 0',
    'vendor_id\t: AuthenticAMD',
    `cpu family\t: ${family}`,
    `model\t\t: ${model}`,
    'model name\t: AMD EPYC',
    'stepping\t: 1',
    'microcode\t: 0xb101021',
    'cpu MHz\t\t: 2595.124',
    'flags\t\t: fpu hypervisor avx512f',
    '',
    'processor\t: 1',
    'cpu family\t: 1',
  ].join('\n');

test('two processors of one name differ by family and model', (t) => {
  const [zen5, zen4] = [processorOf(ZEN(26, 2), NOTHING), processorOf(ZEN(25, 17), NOTHING)];
  t.like(zen5, { vendor: 'AuthenticAMD', family: '26', model: '2', stepping: '1', microcode: '0xb101021' });
  t.like(zen4, { family: '25', model: '17', frequencyMHz: 2595 });
});

test('of ARM the implementer and the part are family and model', (t) => {
  const cpuinfo = 'processor : 0\nCPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n';
  t.like(processorOf(cpuinfo, NOTHING), { family: '0x41', model: '0xd0c', stepping: '0x3 1', hypervisor: null });
});

test('what is not told is null', (t) => {
  const { caches: _, ...found } = processorOf('', NOTHING);
  t.deepEqual(found, {
    vendor: null,
    family: null,
    model: null,
    stepping: null,
    microcode: null,
    frequencyMHz: null,
    hypervisor: null,
  });
});

test('a hypervisor has its name, or is said to have none', (t) => {
  t.is(processorOf(ZEN(26, 2), NOTHING).hypervisor, 'unnamed');
  t.is(processorOf(ZEN(26, 2), readerOf({ '/sys/class/dmi/id/sys_vendor': 'Amazon EC2\n' })).hypervisor, 'Amazon EC2');
  t.is(processorOf(ZEN(26, 2), readerOf({ '/sys/hypervisor/type': 'xen\n' })).hypervisor, 'xen');
  t.is(processorOf(ZEN(26, 2).replace('hypervisor ', ''), NOTHING).hypervisor, 'none');
});

test('the highest frequency counts where the kernel knows it', (t) => {
  const path = '/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq';
  t.is(processorOf(ZEN(26, 2), readerOf({ [path]: '4121000\n' })).frequencyMHz, 4121);
});

test('the tightest limit of CPU time of all groups above a process counts, of either version', (t) => {
  const second = readerOf({
    '/sys/fs/cgroup/a/cpu.max': '150000 100000\n',
    '/sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
  });
  t.is(cpuLimitOf('0::/a/b\n', second), 1.5);
  const first = readerOf({
    '/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '50000',
    '/sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
  });
  t.is(cpuLimitOf('3:cpuset:/\n2:cpu,cpuacct:/a\n', first), 0.5);
  t.is(cpuLimitOf('0::/\n', NOTHING), null);
});
