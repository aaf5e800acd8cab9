/** Runs a soak over fakes, and moves its folder away while it goes on. */

import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from '../../../src/cli/testing/test-process.ts';
import { type SoakDependencies, type SoakResult, runSoak } from '../run.ts';
import type { FakePlan } from './fake-component.ts';
import { fakeDependencies, fakeOptions } from './fake-run.ts';

export async function runMoved(t: ExecutionContext, plan: FakePlan): Promise<SoakResult & { readonly screen: string }> {
  const results = temporaryFolder(t);
  const said: string[] = [];
  const options = fakeOptions(results, { data: temporaryFolder(t), durationMs: 2_000 });
  const dependencies: SoakDependencies = {
    ...fakeDependencies(plan, said),
    display: {
      update({ phase }) {
        // By then every process has its log open.
        if (phase === 'warm-up') return;
        const [name] = readdirSync(results);
        if (name !== undefined && name !== 'elsewhere') renameSync(join(results, name), join(results, 'elsewhere'));
      },
      say: (line) => said.push(line),
      finish: (text) => said.push(text),
    },
  };
  const result = await runSoak(options, dependencies);
  t.true(existsSync(join(results, 'elsewhere', 'samples.csv')));
  return { ...result, screen: said.join('\n') };
}
