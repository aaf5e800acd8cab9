import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TestProcess, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { EXIT } from '../../src/core/errors.ts';

/** A short soak of a small pipeline. */
const SMALL = [
  ...'soak --duration 2s --faults none --seed 7 --rate 400'.split(' '),
  ...'--chunkers 1 --summers 1 --partitions 2 --files 5 --chunks 5'.split(' '),
];

test.serial(
  '--json is the verdict alone on stdout, --junit a file, and an expectation decides the exit code',
  async (t) => {
    const results = temporaryFolder(t);
    const junit = join(results, 'junit.xml');
    const expected = ['--expect', 'rate>1', '--expect', 'rate>1000000000'];
    const soak = new TestProcess(t, [...SMALL, '--results', results, '--json', '--junit', junit, ...expected]);
    const { code } = await soak.exit();
    t.is(code, EXIT.regression, soak.stderr.join('\n'));
    const document = JSON.parse(soak.stdout.join('\n'));
    t.like(document, { schemaVersion: 1, kind: 'soak', verdict: 'HOLDS', exitCode: 11, seed: 7, reasons: [] });
    t.like(document.expectations, { 0: { text: 'rate>1', isMet: true }, 1: { isMet: false } });
    t.true(document.coverage.filesVerified > 0);
    t.true(
      document.latency.some(
        ({ phase, p50Seconds }: { phase: string; p50Seconds: number }) => phase === 'steady' && p50Seconds > 0,
      ),
    );
    t.true(existsSync(join(document.folder, 'run.json')));
    t.regex(readFileSync(join(document.folder, 'report.html'), 'utf8'), /<title>HOLDS: soak-/);
    t.regex(document.command, /^npx stream-sum soak --duration 2s .* --expect 'rate>1000000000'$/);
    t.regex(soak.stderr.join('\n'), /^HOLDS .* but 1 of 2 expectations is not met/m);
    const xml = readFileSync(junit, 'utf8');
    t.regex(xml, /<testcase classname="soak" name="the guarantee" time="[\d.]+"\/>/);
    t.regex(xml, /<failure message="rate&gt;1000000000 is not met: /);
  },
);
