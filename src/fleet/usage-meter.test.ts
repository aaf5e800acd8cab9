import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { UsageMeter } from './usage-meter.ts';

/** A process that computes for a little, says so, and waits. */
async function busyProcess(): Promise<{ pid: number; end: () => Promise<unknown> }> {
  const script =
    'const end = process.cpuUsage().user + 60000; while (process.cpuUsage().user < end); ' +
    'console.log(1); process.stdin.resume()';
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    pid: child.pid ?? 0,
    end: () => {
      child.stdin.end();
      return once(child, 'close');
    },
  };
}

test('what a process used counts on when it is started again under another pid', async (t) => {
  const meter = new UsageMeter();
  const readOne = async (): Promise<number> => {
    const { pid, end } = await busyProcess();
    const usage = meter.read([{ name: 'summer-0', pid }]).get('summer-0');
    await end();
    return usage?.cpuSeconds ?? 0;
  };
  const first = await readOne();
  const second = await readOne();
  t.true(first > 0 && second > 0);
  t.is(meter.total('cpuSeconds').get('summer-0'), first + second);
});

test('of a process that is down, or gone, nothing is known, which is not 0', (t) => {
  const meter = new UsageMeter();
  const usages = meter.read([
    { name: 'down', pid: null },
    { name: 'gone', pid: 2 ** 22 + 1 },
  ]);
  t.deepEqual([...usages.keys()], ['gone']);
  t.is(meter.total('cpuSeconds').size, 0);
});
