/**
 * The one vocabulary of faults: `--faults` asks for families, a schedule draws kinds and a verdict counts them. Both
 * worlds name their faults by family. `soak/simulation/fault-families.ts` gives the family of each simulated kind.
 */

export type FaultFamily =
  | 'kill'
  | 'pause'
  | 'takeover'
  | 'restart'
  | 'retire'
  | 'upgrade'
  | 'partition'
  | 'disk'
  | 'powerloss'
  | 'clock';

/** The families that can be injected into real processes. */
export type LiveFamily = Extract<FaultFamily, 'kill' | 'pause' | 'partition' | 'takeover' | 'restart'>;

/** Kinds of faults of real processes. The name of a kind begins with the name of its family. */
export type FaultKind =
  | `kill-${'broker' | 'summer' | 'all-summers' | 'chunker' | 'two-summers' | 'everything'}`
  | `pause-${'broker' | 'summer' | 'chunker' | 'everything'}`
  | `partition-${'refuse' | 'drop' | 'drop-one-way' | 'stall' | 'reset' | 'delay' | 'throttle' | 'slice'}`
  | `takeover-${'running' | 'paused' | 'dead'}`
  | `restart-${'each' | 'all'}`;

export const KINDS_OF_FAMILY: { readonly [Name in LiveFamily]: readonly Extract<FaultKind, `${Name}-${string}`>[] } = {
  kill: ['kill-broker', 'kill-summer', 'kill-all-summers', 'kill-chunker', 'kill-two-summers', 'kill-everything'],
  pause: ['pause-broker', 'pause-summer', 'pause-chunker', 'pause-everything'],
  partition: [
    'partition-refuse',
    'partition-drop',
    'partition-reset',
    'partition-stall',
    'partition-drop-one-way',
    'partition-delay',
    'partition-throttle',
    'partition-slice',
  ],
  takeover: ['takeover-running', 'takeover-paused', 'takeover-dead'],
  restart: ['restart-each', 'restart-all'],
};

/** The families that a soak over real processes can be asked for, in the order of the help. */
export const LIVE_FAMILIES: readonly LiveFamily[] = ['kill', 'pause', 'partition', 'takeover', 'restart'];
/** The families of a soak when none are asked for. */
export const DEFAULT_FAMILIES: readonly LiveFamily[] = ['kill', 'pause', 'partition'];
export const FAULT_KINDS: readonly FaultKind[] = LIVE_FAMILIES.flatMap(
  (family): readonly FaultKind[] => KINDS_OF_FAMILY[family],
);

export function familyOf(kind: FaultKind): LiveFamily {
  const family = LIVE_FAMILIES.find((candidate) => kind.startsWith(`${candidate}-`));
  if (family === undefined) throw new TypeError(`no family has the fault ${kind}`);
  return family;
}

/** The kinds of these families that differ from each other with so many summers. */
export function kindsOf(families: readonly LiveFamily[], { summers }: { readonly summers: number }): FaultKind[] {
  const kinds = LIVE_FAMILIES.filter((family) => families.includes(family)).flatMap(
    (family) => KINDS_OF_FAMILY[family],
  );
  return kinds.filter((kind) => kind !== 'kill-two-summers' || summers > 2);
}
