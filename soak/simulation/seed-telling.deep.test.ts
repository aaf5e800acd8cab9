import test from 'ava';
import fc from 'fast-check';
import { SUMS_JOURNAL } from '../../src/journal/journals.ts';
import { decodeChunks, fileIdOf } from '../../src/message/chunk.ts';
import { BatchReader, partitionOfJournal } from '../guarantee/checkers/batch-reader.ts';
import { type LoggedEvent, loggedEvent } from '../guarantee/logged-event.ts';
import { Chronicle } from '../guarantee/story/chronicle.ts';
import { recordsOfFiles } from '../guarantee/story/file-records.ts';
import { tellingLines, whyOf } from '../guarantee/story/telling.ts';
import { patchedBroker } from './mutants/patched-broker.ts';
import { planOf, workloadOf } from './plan.ts';
import { sabotageNamed } from './sabotages/sabotages.ts';
import { tellSeed } from './seed-telling.ts';
import { simulate } from './simulate.ts';

const PLAN = planOf(3, workloadOf(3));

test('the records of a file stand where its chunks are in the journals, in any seed', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5_000 }), async (seed) => {
      const found = new Map<string, string>();
      const retired = new Set<string>();
      const events: LoggedEvent[] = [];
      const reader = new BatchReader();
      await simulate(planOf(seed, workloadOf(seed)), {
        listener: (entry) => {
          events.push(loggedEvent(entry, reader));
          const { event } = entry;
          if (event.event !== 'batch' || event.journal === SUMS_JOURNAL) return;
          const batch = reader.readSound(event);
          if (batch?.kind === 'end') retired.add(batch.producer);
          if (batch?.kind !== 'chunks') return;
          for (const [at, { fileId, sequence }] of (decodeChunks(batch.payload) ?? []).entries()) {
            found.set(`${fileId} ${sequence}`, `${partitionOfJournal(event.journal)} ${batch.firstIndex + at}`);
          }
        },
      });
      const chronicle = new Chronicle(events);
      let told = 0;
      for (const producer of chronicle.producers.values()) {
        const ids = [...found.keys()].filter((key) => key.startsWith(producer.producer));
        const numbers = new Set(ids.map((key) => Number.parseInt(key.slice(16, 32), 16)));
        for (const [number, records] of recordsOfFiles(producer, numbers, found.size + 10_000)) {
          for (const { partition, index, sequence } of records) {
            const place = found.get(`${fileIdOf(producer.producer, number)} ${sequence}`);
            // The files of a producer that was retired may lack their ends.
            if (place === undefined && retired.has(producer.producer)) continue;
            t.is(place, `${partition} ${index}`, `seed ${seed}`);
            told += 1;
          }
        }
      }
      t.is(told, found.size);
    }),
    { numRuns: 6 },
  );
});

test('a schedule in which a process failed has the stack, whose lines name sources', async (t) => {
  const decorations = patchedBroker(({ owners }) => {
    const raise = owners.raise.bind(owners);
    owners.raise = (shard, path, options) => raise(shard, path, { ...options, from: owners.shards[shard]?.epoch ?? 0 });
  });
  const telling = await tellSeed({ plan: PLAN, decorations });
  t.is(telling.verdict, 'a process failed');
  const lines = tellingLines(telling, {}).join('\n');
  t.regex(lines, /summer-\d.* is fenced, but nobody else has raised it/);
  t.regex(lines, /at .*soak\/simulation\/observed-journals\.ts:\d+:\d+/);
  t.regex(whyOf(telling).join('\n'), /summer-\S+ exits 1/);
});

test('a schedule that shows too little says what is missing, and tells its story all the same', async (t) => {
  const telling = await tellSeed({ plan: PLAN, decorations: sabotageNamed('verified-never-recorded').decorations() });
  t.is(telling.verdict, 'INCONCLUSIVE');
  const lines = tellingLines(telling, {});
  t.true(lines.includes(`  ${telling.doubts[0] ?? ''}`), lines.join('\n'));
  t.true(lines.includes('phases') && lines.includes('processes'));
  t.is(whyOf(telling)[0], `why: ${telling.doubts[0] ?? ''}`);
});
