import test from 'ava';
import type { RecoveredEvent } from '../component/protocol.ts';
import type { VerifiedFile } from '../verifier/verifier.ts';
import { ChunkerReport } from './chunker-report.ts';

function world(): { emitted: RecoveredEvent[]; report: ChunkerReport; verify: (file: Partial<VerifiedFile>) => void } {
  const emitted: RecoveredEvent[] = [];
  const report = new ChunkerReport((event) => emitted.push(event));
  const file = { fileNumber: 0, partition: 0, intendedNs: 10, verifiedNs: 20, chunks: 1, bytes: 1 };
  return { emitted, report, verify: (changes) => report.events.onVerified({ ...file, ...changes }) };
}

test('a watch is answered once for each of its partitions, by the first file that was intended after it', (t) => {
  const { emitted, report, verify } = world();
  report.watch({ command: 'watch', fault: 3, sinceNs: 5, partitions: [0, 2] });
  verify({ partition: 0, intendedNs: 5 });
  verify({ partition: 1 });
  t.deepEqual(emitted, []);
  verify({ partition: 0, intendedNs: 6 });
  verify({ partition: 0, intendedNs: 7 });
  verify({ partition: 2, intendedNs: 8 });
  verify({ partition: 2, intendedNs: 9 });
  t.deepEqual(
    emitted.map(({ fault, partition, intendedNs }) => [fault, partition, intendedNs]),
    [
      [3, 0, 6],
      [3, 2, 8],
    ],
  );
});

test('a watch of no partitions in particular is answered once, whatever the partition', (t) => {
  const { emitted, report, verify } = world();
  report.watch({ command: 'watch', fault: 1, sinceNs: 5, partitions: null });
  verify({ partition: 7 });
  verify({ partition: 8 });
  t.deepEqual(emitted, [{ event: 'recovered', fault: 1, partition: 7, intendedNs: 10, verifiedNs: 20 }]);
});
