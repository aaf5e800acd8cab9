/** A chunker whose monotonic clock differs from its broker's, as in a restored container. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { MAIN, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { EXIT } from '../../src/core/errors.ts';
import { Pipeline } from './testing/pipeline.ts';

/** Two hours ahead, under the same boot id. */
const UNSHARE = ['-T', '--monotonic', '7200', '--fork', '--kill-child'];
const isPossible = spawnSync('unshare', [...UNSHARE, 'true'], { timeout: 10_000 }).status === 0;
const where = isPossible ? test.serial : test.serial.skip;

where('a chunker in another time namespace calls nothing lost or late that is not (needs root)', async (t) => {
  const pipeline = new Pipeline(t, 2);
  await pipeline.broker({}, { isAudited: false });
  pipeline.summer('summer');
  const data = join(temporaryFolder(t), 'chunker');
  const argv = [
    'chunker',
    '--data',
    data,
    '--connect',
    pipeline.endpoint,
    '--files',
    '5',
    '--chunks',
    '10',
    '--count',
    '30',
  ];
  const child = spawn('unshare', [...UNSHARE, process.execPath, MAIN, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => said.push(bytes.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  t.is(code, EXIT.holds, said.join(''));
  t.true(said.join('').includes('"event":"drained","verifiedTotal":30'), said.join(''));
});
