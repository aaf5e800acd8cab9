/** Soaks over a summer that is tampered with, and the evidence that they leave. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { runSoak } from '../../../soak/live/run.ts';
import { fakeDependencies, fakeOptions } from '../../../soak/live/testing/fake-run.ts';
import { temporaryFolder } from '../../../src/cli/testing/test-process.ts';
import { EXIT } from '../../../src/core/errors.ts';
import type { Tampering } from './tampering.ts';

const COMPONENT = fileURLToPath(new URL('./component.js', import.meta.url));

type Evidence = { readonly folder: string; readonly witness: string; readonly data: Record<string, unknown> };

/**
 * The evidence of a soak over real processes whose summer is tampered with. Its chunk journals keep everything
 * published.
 */
export async function evidenceOf(t: ExecutionContext, tampering: Tampering): Promise<Evidence> {
  const options = fakeOptions(temporaryFolder(t), {
    durationMs: 60_000,
    chunkers: 1,
    summers: 1,
    retentionBytes: 64 * 1024 * 1024,
  });
  const said: string[] = [];
  const { verdict, folder } = await runSoak(options, {
    ...fakeDependencies({}, said),
    launch: { command: process.execPath, argv: [COMPONENT, JSON.stringify({ tampering, isSilent: true })] },
  });
  t.is(verdict.exitCode, EXIT.violation, said.join('\n'));
  const evidence = join(folder, 'evidence');
  const witness = readFileSync(join(evidence, 'witness.txt'), 'utf8');
  t.log(said.at(-1));
  t.log(witness);
  return { folder: evidence, witness, data: JSON.parse(readFileSync(join(evidence, 'witness.json'), 'utf8')) };
}
