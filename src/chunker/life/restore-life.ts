/** Brings the generator and the verifier of a chunker to the point where the earlier incarnations of its life were. */

import type { Verifier } from '../../verifier/verifier.ts';
import type { Generator } from '../stream/generator.ts';
import type { Life } from './life.ts';

/** Brings generator and verifier of a new process to the point where the life's earlier incarnations were. */
export function restoreLife(of: { life: Life; generator: Generator; verifier: Verifier; nowNs: number }): void {
  const { life, generator, verifier, nowNs } = of;
  if (life.snapshot !== null) generator.restore(life.snapshot.bytes);
  if (life.endStep !== null) generator.endAt(life.endStep);
  // These files were completed before the snapshot, which lies below everything durable, so their ends are in the
  // journal. It is unknown how long ago they ended, so their time counts from now.
  const open = new Set(generator.openFiles());
  for (const [fileNumber, intendedNs] of life.ledger.outstanding) {
    if (fileNumber >= generator.nextFile || open.has(fileNumber)) continue;
    verifier.completed({ fileNumber, intendedNs, endIndex: 0, acknowledgedNs: nowNs });
  }
}
