import test from 'ava';
import type { ComponentProcess } from '../../../src/fleet/component-process.ts';
import { isEnded, retirementOf } from './retirement.ts';

const PRODUCER = 'aa00000000000001';
const OF = { producer: PRODUCER, partitions: 2 };

function line(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ level: 'info', producer: PRODUCER, ...fields });
}

const WHOLE = [
  line({ journal: 'chunks/part-000', msg: 'ended' }),
  line({ journal: 'chunks/part-001', msg: 'ended' }),
  line({ msg: 'retired' }),
];

test('a producer has ended when each journal is named, and its pin after them', (t) => {
  t.true(isEnded(WHOLE, OF));
  t.true(isEnded(['what is no JSON', ...WHOLE, 'null'], OF));
  for (const left of WHOLE.keys()) t.false(isEnded(WHOLE.toSpliced(left, 1), OF), `without ${WHOLE[left]}`);
  t.false(isEnded(WHOLE, { ...OF, partitions: 3 }));
  t.false(isEnded(WHOLE, { ...OF, producer: 'aa00000000000002' }));
  t.false(isEnded([], OF));
});

test('a retirement that the end of the run interrupts says what is left to do', async (t) => {
  for (const isEnding of [true, false]) {
    const left: string[] = [];
    let runs = 0;
    const fleet = {
      isEnding: false,
      named: () => ({ name: 'chunker-0' }) as ComponentProcess,
      // The first command ends as it should, and the second one with the run.
      run: async () => {
        runs += 1;
        if (runs === 1) return WHOLE;
        fleet.isEnding = isEnding;
        return null;
      },
      killForGood: () => void t.fail(),
      startAgain: () => void t.fail(),
      fail: () => void t.fail(),
    };
    const retirement = retirementOf('chunker-0', 2, {
      ...OF,
      fleet,
      dataFolder: '/data',
      endpoint: 'ipc:///x',
      producerOf: () => PRODUCER,
      onRetired: () => void t.fail(),
      onUnfinished: (what) => left.push(what),
      decorations: {},
    });
    t.is(await retirement.retire(), null);
    t.deepEqual(
      left,
      isEnding
        ? [
            'the run ended while chunker-0 was retired: before another run with this data, start its broker, ' +
              `run \`stream-sum retire --producer ${PRODUCER}\` and remove /data/chunker-0`,
          ]
        : [],
    );
  }
});
