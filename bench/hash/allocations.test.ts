import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { heapPerCall } from './allocations.ts';

/** An array of so many doubles takes 8 bytes each. */
const DOUBLES = 100;

// Serial, because a collection concerns the whole process.
test.serial('what a call allocates is found, also when all calls together have the heap collected', async (t) => {
  let last: readonly number[] = [];
  const allocating = (): void => {
    last = Array.from<number>({ length: DOUBLES }).fill(0.5);
  };
  for (let round = 0; round < 200; round++) allocating();
  const found = await heapPerCall(allocating, 40_000);
  t.is(last.length, DOUBLES);
  // More than 32 MB in all, which Node does not keep without a collection.
  t.true(found !== null && found >= 8 * DOUBLES && found < 80 * DOUBLES, `${found}`);
});

test.serial('a call that allocates nothing takes next to nothing', async (t) => {
  let calls = 0;
  const found = await heapPerCall(() => {
    calls += 1;
  }, 20_000);
  t.true(calls >= 20_000);
  t.true(found !== null && found >= 0 && found < 10, `${found}`);
});

test.serial('what is allocated once is no part of a call', async (t) => {
  let calls = 0;
  let once: readonly number[] = [];
  const found = await heapPerCall(() => {
    calls += 1;
    if (calls === 12_345) once = Array.from<number>({ length: 100 * DOUBLES }).fill(0.5);
  }, 20_000);
  t.is(once.length, 100 * DOUBLES);
  t.true(found !== null && found >= 0 && found < 2, `${found}`);
});

test.serial('a heap that is collected in every call gives no figure', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  t.is(await heapPerCall(collect, 2), null);
});
