/** Brings what a chunker generates and verifies to where the earlier incarnations of its life were. */

import type { Verifier } from '../../verifier/verifier.ts';
import type { Generator } from '../stream/generator.ts';
import type { Life } from './life.ts';

/** Brings generator and verifier of a process that begins to where the life's earlier incarnations were. */
export function restoreLife(of: { life: Life; generator: Generator; verifier: Verifier; nowNs: number }): void {
  const { life, generator, verifier, nowNs } = of;
  if (life.snapshot !== null) generator.restore(life.snapshot.bytes);
  if (life.endStep !== null) generator.endAt(life.endStep);
  // Completed before the snapshot, which lies below everything that is durable: their ends are in the journal. How
  // long ago is not known, so their time counts from now.
  const open = new Set(generator.openFiles());
  for (const [fileNumber, intendedNs] of life.ledger.outstanding) {
    if (fileNumber >= generator.nextFile || open.has(fileNumber)) continue;
    verifier.completed({ fileNumber, intendedNs, endIndex: 0, acknowledgedNs: nowNs });
  }
}
