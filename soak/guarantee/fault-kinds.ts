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
  | 'clock'
  | 'absence'
  | 'member'
  | 'network';

/** The families that can be injected into real processes. */
export type LiveFamily = Extract<
  FaultFamily,
  'kill' | 'pause' | 'partition' | 'takeover' | 'restart' | 'retire' | 'upgrade' | 'member' | 'network' | 'powerloss'
>;

/**
 * Kinds of faults of real processes. The name of a kind begins with the name of its family, or its opposite; those of
 * `powerloss` begin with `power-`.
 */
export type FaultKind =
  | `kill-${'broker' | 'summer' | 'all-summers' | 'chunker' | 'two-summers' | 'everything'}`
  | `pause-${'broker' | 'summer' | 'chunker' | 'everything'}`
  | `partition-${'refuse' | 'drop' | 'drop-one-way' | 'stall' | 'reset' | 'delay' | 'throttle' | 'slice'}`
  | `takeover-${'running' | 'paused' | 'dead' | 'elsewhere'}`
  | `restart-${'each' | 'all'}`
  | `retire-chunker${'' | '-twice'}`
  | `${'upgrade' | 'downgrade'}-${'broker' | 'summer' | 'chunker'}`
  | `member-${'kill-etcd' | 'kill-broker' | 'kill-two-brokers' | 'kill-all-brokers'}`
  | `member-${'restart-brokers' | 'pause-broker' | 'strand-broker' | 'kill-in-turn' | 'kill-appending'}`
  | `network-${'etcd' | 'brokers' | 'broker-etcd' | 'broker-etcd-one-way' | 'broker-summers'}`
  | `network-${'summer-etcd' | 'summer-brokers' | 'store'}`
  | `network-${'etcd' | 'brokers' | 'broker-summers'}-one-way`
  | `power-${'broker' | 'two-brokers' | 'etcd' | 'two-etcd' | 'all'}`;

type KindOf<Family extends LiveFamily> = Extract<
  FaultKind,
  | `${Family}-${string}`
  | (Family extends 'upgrade' ? `downgrade-${string}` : never)
  | (Family extends 'powerloss' ? `power-${string}` : never)
>;

export const KINDS_OF_FAMILY: { readonly [Name in LiveFamily]: readonly KindOf<Name>[] } = {
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
  takeover: ['takeover-running', 'takeover-paused', 'takeover-dead', 'takeover-elsewhere'],
  restart: ['restart-each', 'restart-all'],
  retire: ['retire-chunker', 'retire-chunker-twice'],
  upgrade: [
    'upgrade-broker',
    'upgrade-summer',
    'upgrade-chunker',
    'downgrade-broker',
    'downgrade-summer',
    'downgrade-chunker',
  ],
  member: [
    'member-kill-etcd',
    'member-kill-broker',
    'member-kill-two-brokers',
    'member-kill-all-brokers',
    'member-restart-brokers',
    'member-pause-broker',
    'member-strand-broker',
    'member-kill-in-turn',
    'member-kill-appending',
  ],
  network: [
    'network-etcd',
    'network-brokers',
    'network-broker-etcd',
    'network-broker-etcd-one-way',
    'network-broker-summers',
    'network-summer-etcd',
    'network-summer-brokers',
    'network-store',
    'network-etcd-one-way',
    'network-brokers-one-way',
    'network-broker-summers-one-way',
  ],
  powerloss: ['power-broker', 'power-two-brokers', 'power-etcd', 'power-two-etcd', 'power-all'],
};

/** The families that can be requested for a soak with its own broker, in the order of the help. */
export const LIVE_FAMILIES: readonly LiveFamily[] = [
  'kill',
  'pause',
  'partition',
  'takeover',
  'restart',
  'retire',
  'upgrade',
];
/** The families for a soak on a cluster, without those of links: a client of a cluster has several. */
export const CLIENT_FAMILIES: readonly LiveFamily[] = ['kill', 'pause', 'takeover', 'restart'];
/** The families for a soak on a cluster that it runs itself. */
export const CLUSTER_FAMILIES: readonly LiveFamily[] = [...CLIENT_FAMILIES, 'member', 'network', 'powerloss'];
const ALL_FAMILIES: readonly LiveFamily[] = [...LIVE_FAMILIES, 'member', 'network', 'powerloss'];
/** The families of a soak when none are asked for. */
export const DEFAULT_FAMILIES: readonly LiveFamily[] = ['kill', 'pause', 'partition'];
export const FAULT_KINDS: readonly FaultKind[] = ALL_FAMILIES.flatMap(
  (family): readonly FaultKind[] => KINDS_OF_FAMILY[family],
);

export function familyOf(kind: FaultKind): LiveFamily {
  if (isDowngrade(kind)) return 'upgrade';
  if (kind.startsWith('power-')) return 'powerloss';
  const family = ALL_FAMILIES.find((candidate) => kind.startsWith(`${candidate}-`));
  if (family === undefined) throw new TypeError(`no family has the fault ${kind}`);
  return family;
}

/** Whether the fault goes back to the older build. */
export function isDowngrade(kind: string): boolean {
  return kind.startsWith('downgrade-');
}

/** The number of members of a soak's cluster. */
export type ClusterSize = {
  readonly brokers: number;
  readonly etcd: number;
  /** `s3`: a server of S3 is a member, too. */
  readonly fragments?: 'file' | 's3';
};

/**
 * The kinds of these families that differ from each other with so many summers. `cluster`: the soak has no broker,
 * and may have members of a cluster.
 */
export function kindsOf(
  families: readonly LiveFamily[],
  { summers, cluster }: { readonly summers: number; readonly cluster?: ClusterSize | undefined },
): FaultKind[] {
  const kinds = ALL_FAMILIES.filter((family) => families.includes(family)).flatMap((family) => KINDS_OF_FAMILY[family]);
  return kinds.filter((kind) => {
    if (kind === 'kill-two-summers') return summers > 2;
    if (kind === 'kill-broker' || kind === 'pause-broker') return cluster === undefined;
    if (kind === 'takeover-elsewhere') return cluster !== undefined && cluster.brokers > 0;
    return cluster === undefined || hasRoom(kind, cluster);
  });
}

/** No schedule draws these: they lose data, or may show nothing. */
export const KINDS_OF_SCENARIOS: readonly FaultKind[] = [
  'member-kill-all-brokers',
  'member-strand-broker',
  'member-kill-in-turn',
  'member-kill-appending',
  'power-all',
];

/** Without another broker nobody serves meanwhile. */
const LONELY: readonly FaultKind[] = ['member-kill-broker', 'member-restart-brokers', 'power-broker'];

/**
 * Whether the cluster is expected to survive it: with a majority of etcd, and as many brokers as a journal needs. What
 * only the memory of brokers holds is lost with all of them, by design: that is for a scenario.
 */
function hasRoom(kind: FaultKind, { brokers, etcd, fragments }: ClusterSize): boolean {
  if (kind === 'network-store') return fragments === 's3';
  if (KINDS_OF_SCENARIOS.includes(kind)) return false;
  if (kind === 'member-kill-etcd' || kind.startsWith('network-etcd') || kind === 'power-etcd') return etcd > 2;
  // A majority of etcd is away for a while, and comes back with all that it had acknowledged.
  if (kind === 'power-two-etcd') return etcd > 2;
  if (kind === 'member-kill-two-brokers' || kind.startsWith('network-brokers')) return brokers > 3;
  if (kind === 'power-two-brokers') return brokers > 3;
  return brokers > 1 || !LONELY.includes(kind);
}
