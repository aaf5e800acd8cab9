// Runs the hash suite and prints its tables: `node dist/bench/hash/main.js [--seed N] [--smoke]`.

import { parseArgs } from 'node:util';

import { selectedBackend } from '../../src/hash/backend.ts';
import { runHashSuite } from './suite.ts';
import { hashTables } from './tables.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, smoke: { type: 'boolean', default: false } },
});
const progress = (text: string): void => void process.stderr.write(`${text}\n`);
const results = await runHashSuite({ seed: Number(values.seed), smoke: values.smoke }, progress);
process.stdout.write(`${hashTables(results, selectedBackend()).join('\n')}\n`);
