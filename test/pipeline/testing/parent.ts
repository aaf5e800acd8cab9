/** A parent of a whole pipeline, for a test to kill: prints the process ids of its children once all are ready. */

import { Pipeline } from './pipeline.ts';

const [folder = ''] = process.argv.slice(2);
const pipeline = new Pipeline({ teardown: () => {} }, 2, folder);
const broker = await pipeline.broker();
const summer = pipeline.summer('summer');
const chunker = pipeline.chunker('chunker');
await Promise.all([summer.ready(), chunker.ready()]);
process.stdout.write(`${JSON.stringify([broker.pid, summer.pid, chunker.pid])}\n`);
