import test from 'ava';
import { temporaryFolder, within } from '../cli/testing/test-process.ts';
import { systemClock } from '../core/clock.ts';
import { Fleet } from './fleet.ts';

/** A summer that answers only the second of two requests; the folded count is the number of requests. */
const BUSY = `
const say = (event) => require('node:fs').writeSync(3, JSON.stringify(event) + '\\n');
say({ event: 'ready', component: 'summer', pid: process.pid, shards: [], epochs: [] });
let asked = 0;
require('node:readline').createInterface({ input: process.stdin }).on('line', () => {
  asked += 1;
  const counts = { chunksFolded: asked, bytesFolded: 0, commits: 0, filesOpen: 0, sumsPublished: 0 };
  if (asked % 2 === 0) say({ event: 'progress', component: 'summer', ...counts });
});`;

test('asking for progress says whether it was answered, and waits for an answer no longer than it may', async (t) => {
  const seen: string[] = [];
  const fleet = new Fleet({
    specs: [{ name: 'summer-0', component: 'summer', argv: [], partitions: [] }],
    launch: { command: process.execPath, argv: ['-e', BUSY, '--'] },
    logsFolder: temporaryFolder(t),
    clock: systemClock,
    listener: {
      onEvent: (_, event) => seen.push(event.event),
      onPlannedEnd: () => undefined,
      onFailure: ({ what }) => t.fail(what),
    },
  });
  t.teardown(() => fleet.abandon(true));
  t.true(await fleet.start(new AbortController().signal));
  t.false(await fleet.refresh({ timeoutMs: 50 }));
  t.deepEqual(seen, ['ready']);
  t.true(await within(fleet.refresh({ timeoutMs: 60_000 }), () => seen.join(' ')));
  t.deepEqual(seen, ['ready', 'progress']);
  const ended = new AbortController();
  const asking = fleet.refresh({ timeoutMs: 60_000, signal: ended.signal });
  ended.abort();
  t.false(await within(asking, () => 'an aborted request waits'));
});
