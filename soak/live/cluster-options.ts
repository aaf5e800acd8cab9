/** What a soak on a Gazette cluster can be asked for. Errors are UsageErrors. */

import { UsageError } from '../../src/core/errors.ts';
import { parseCountWithin } from '../../src/core/units.ts';
import { parseEtcdAddress, parseGazetteAddress } from '../../src/journal/gazette/address.ts';
import type { ClusterSize } from '../guarantee/fault-kinds.ts';
import type { PlannedFault } from './faults/planned-fault.ts';
import { SCENARIOS, planOf } from './scenarios.ts';
import type { ClusterOptions } from './soak-options.ts';

const MEMBERS_MAX = 50;
/** Of a cluster that nobody has asked to be otherwise; what scenarios need. */
const SIZE: ClusterSize = { brokers: 4, etcd: 3 };
const REPLICATION = 3;

type Definition = readonly [flags: string, description: string, defaultText?: string];

/** Flags, description, default; in the order of `--help`. */
export const CLUSTER_OPTION_DEFINITIONS: readonly Definition[] = [
  ['--engine <embedded|gazette>', 'journals of a broker of its own, or of a Gazette cluster', 'embedded'],
  ['--brokers <n>', `brokers of the cluster that it starts (default: ${SIZE.brokers})`],
  ['--replication <n>', `brokers that acknowledge each append (default: ${REPLICATION})`],
  [
    '--etcd <n|address>',
    `members of etcd of that cluster (default: ${SIZE.etcd}); with --journals where they are: http://HOST:PORT[,HOST:PORT]`,
  ],
  [
    '--journals <address>',
    'a cluster that runs already, whose members are not hurt, as gazette+http://HOST:PORT[,HOST:PORT]',
  ],
  ['--bin <folder>', 'folder with the programs etcd and gazette (default: the cache folder, else the PATH)'],
  ['--scenario <name>', `one fault of a cluster instead of --faults: ${SCENARIOS.map(({ name }) => name).join(', ')}`],
];

const NAMES = ['brokers', 'replication', 'etcd', 'journals', 'bin', 'scenario'] as const;

/** Null: the journals are those of the run's own broker. */
export function parseClusterOptions(texts: Readonly<Record<string, unknown>>): ClusterOptions | null {
  const text = (name: string): string | null => {
    const value = texts[name];
    return typeof value === 'string' ? value : null;
  };
  const engine = text('engine') ?? 'embedded';
  if (engine === 'embedded') {
    const given = NAMES.find((name) => text(name) !== null);
    if (given !== undefined) throw new UsageError(`--${given} needs --engine gazette`);
    return null;
  }
  if (engine !== 'gazette') throw new UsageError(`--engine: must be embedded or gazette: ${JSON.stringify(engine)}`);
  const journals = text('journals');
  if (journals !== null) return clusterAt(journals, text);
  const count = (name: (typeof NAMES)[number], least: number): number =>
    parseCountWithin(text(name) ?? String(least), `--${name}`, { low: 1, high: MEMBERS_MAX });
  const brokers = count('brokers', SIZE.brokers);
  const replication = count('replication', Math.min(REPLICATION, brokers));
  if (replication > brokers) {
    throw new UsageError(`--replication ${replication}: there are only ${brokers} brokers to replicate to`);
  }
  return { brokers, replication, etcd: count('etcd', SIZE.etcd), place: null, bin: text('bin') };
}

function clusterAt(journals: string, text: (name: string) => string | null): ClusterOptions {
  parseGazetteAddress(journals, '--journals');
  const etcd = text('etcd');
  if (etcd === null) throw new UsageError(`--etcd is required with --journals ${journals}`);
  parseEtcdAddress(etcd, '--etcd');
  const other = (['brokers', 'replication', 'bin'] as const).find((name) => text(name) !== null);
  if (other !== undefined) throw new UsageError(`--${other} is of a cluster that the soak starts, not of --journals`);
  return { brokers: 0, replication: 0, etcd: 0, place: { journals, etcd }, bin: null };
}

/** The plan of the scenario that was asked for; null: none was. */
export function parseScenario(texts: Readonly<Record<string, unknown>>): PlannedFault[] | null {
  const name = texts['scenario'];
  if (name === undefined) return null;
  const scenario = SCENARIOS.find((candidate) => candidate.name === name);
  if (scenario === undefined) {
    const names = SCENARIOS.map((candidate) => candidate.name).join(', ');
    throw new UsageError(`--scenario: ${JSON.stringify(name)} is none of ${names}`);
  }
  if (texts['faultPlan'] !== undefined) throw new UsageError('--scenario and --fault-plan exclude each other');
  if (texts['journals'] !== undefined)
    throw new UsageError('--scenario hurts the cluster, and that of --journals is not hurt');
  const { brokers, etcd } = parseClusterOptions(texts) ?? { brokers: 0, etcd: 0 };
  if (brokers < SIZE.brokers || etcd < SIZE.etcd) {
    throw new UsageError(`--scenario ${scenario.name} needs ${SIZE.brokers} brokers and ${SIZE.etcd} members of etcd`);
  }
  return planOf(scenario);
}

/** Beyond the lease of a broker, which is 20 s. */
export function defaultSla(cluster: ClusterOptions | null): string {
  return cluster === null ? '30s' : '90s';
}
