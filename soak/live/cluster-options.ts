/** The options of a soak on a Gazette cluster. Errors are UsageErrors. */

import { UsageError } from '../../src/core/errors.ts';
import { parseCountWithin, shownValue } from '../../src/core/units.ts';
import { oneOf } from '../../src/component/flags.ts';
import { readBrokerKeys } from '../../src/journal/gazette/auth.ts';
import { parseEtcdAddress, parseGazetteAddress } from '../../src/journal/gazette/address.ts';
import type { ClusterSize } from '../guarantee/fault-kinds.ts';
import type { PlannedFault } from './faults/planned-fault.ts';
import { SCENARIOS, planOf } from './scenarios.ts';
import type { ClusterOptions } from './soak-options.ts';

const MEMBERS_MAX = 50;
/** The size of a cluster when nobody asks for another, and the size that scenarios need. */
const SIZE: ClusterSize = { brokers: 4, etcd: 3 };
const REPLICATION = 3;

type Definition = readonly [flags: string, description: string, defaultText?: string];

/** Flags, description, default; in the order of `--help`. */
export const CLUSTER_OPTION_DEFINITIONS: readonly Definition[] = [
  ['--engine <embedded|gazette>', "embedded: journals of the soak's own broker; gazette: of a cluster", 'embedded'],
  ['--brokers <n>', `brokers of the cluster that it starts (default: ${SIZE.brokers})`],
  ['--replication <n>', `brokers that acknowledge each append (default: ${REPLICATION})`],
  [
    '--etcd <n|address>',
    `members of its etcd (default: ${SIZE.etcd}); with --journals the address of etcd: http://HOST:PORT[,HOST:PORT]`,
  ],
  [
    '--journals <address>',
    'a cluster that runs already, whose members are not hurt, as gazette+http://HOST:PORT[,HOST:PORT]',
  ],
  ['--bin <folder>', 'folder with the programs etcd and gazette (default: the cache folder, else the PATH)'],
  ['--fragments <file|s3>', 'where fragments are: in files, or in a server of S3 that it starts (default: file)'],
  ['--broker-auth-key <file>', 'keys in base64: the brokers ask for a token that is signed with the first'],
  ['--scenario <name>', `one fault of a cluster instead of --faults: ${SCENARIOS.map(({ name }) => name).join(', ')}`],
];

const parseEngine = oneOf(['embedded', 'gazette']);
const parseFragments = oneOf(['file', 's3']);
const NAMES = ['brokers', 'replication', 'etcd', 'journals', 'bin', 'brokerAuthKey', 'fragments', 'scenario'] as const;

/** Null: the journals are those of the run's own broker. */
export function parseClusterOptions(texts: Readonly<Record<string, unknown>>): ClusterOptions | null {
  const text = (name: string): string | null => {
    const value = texts[name];
    return typeof value === 'string' ? value : null;
  };
  const engine = parseEngine(text('engine') ?? 'embedded', '--engine');
  if (engine === 'embedded') {
    const given = NAMES.find((name) => text(name) !== null);
    if (given !== undefined) throw new UsageError(`${flagOf(given)} needs --engine gazette`);
    return null;
  }

  const brokerAuthKey = text('brokerAuthKey');
  if (brokerAuthKey !== null) readBrokerKeys(brokerAuthKey, '--broker-auth-key');
  // A scenario that hurts the S3 server needs one.
  const usual = scenarioOf(text('scenario') ?? '')?.fault.kind === 'network-store' ? 's3' : 'file';
  const fragments = parseFragments(text('fragments') ?? usual, '--fragments');
  const journals = text('journals');
  if (journals !== null) return clusterAt(journals, text);
  const count = (name: (typeof NAMES)[number], least: number): number =>
    parseCountWithin(text(name) ?? String(least), `--${name}`, { low: 1, high: MEMBERS_MAX });
  const brokers = count('brokers', SIZE.brokers);
  const replication = count('replication', Math.min(REPLICATION, brokers));
  if (replication > brokers) {
    throw new UsageError(`--replication ${replication}: there are only ${brokers} brokers to replicate to`);
  }
  return {
    brokers,
    replication,
    etcd: count('etcd', SIZE.etcd),
    place: null,
    bin: text('bin'),
    brokerAuthKey,
    fragments,
  };
}

function clusterAt(journals: string, text: (name: string) => string | null): ClusterOptions {
  parseGazetteAddress(journals, '--journals');
  const etcd = text('etcd');
  if (etcd === null) throw new UsageError(`--etcd is required with --journals ${journals}`);
  parseEtcdAddress(etcd, '--etcd');
  const other = (['brokers', 'replication', 'bin', 'fragments'] as const).find((name) => text(name) !== null);
  if (other !== undefined) throw new UsageError(`--${other} is for a cluster that the soak starts, not for --journals`);
  const brokerAuthKey = text('brokerAuthKey');
  return {
    brokers: 0,
    replication: 0,
    etcd: 0,
    place: { journals, etcd },
    bin: null,
    brokerAuthKey,
    fragments: 'file',
  };
}

/** `brokerAuthKey`: `--broker-auth-key`. */
function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The plan of the requested scenario; null: none was requested. */
export function parseScenario(texts: Readonly<Record<string, unknown>>): PlannedFault[] | null {
  const name = texts['scenario'];
  if (name === undefined) return null;
  const scenario = scenarioOf(name);
  if (scenario === undefined) {
    const names = SCENARIOS.map((candidate) => candidate.name).join(', ');
    throw new UsageError(`--scenario ${shownValue(typeof name === 'string' ? name : '')}: expected one of ${names}`);
  }
  if (texts['faultPlan'] !== undefined) throw new UsageError('--scenario and --fault-plan exclude each other');
  if (texts['journals'] !== undefined)
    throw new UsageError('--scenario and --journals exclude each other: a soak hurts only a cluster that it starts');
  const { brokers, etcd, fragments } = parseClusterOptions(texts) ?? { brokers: 0, etcd: 0, fragments: 'file' };
  if (scenario.fault.kind === 'network-store' && fragments !== 's3')
    throw new UsageError(`--scenario ${scenario.name} needs --fragments s3`);
  if (brokers < SIZE.brokers || etcd < SIZE.etcd) {
    throw new UsageError(`--scenario ${scenario.name} needs ${SIZE.brokers} brokers and ${SIZE.etcd} members of etcd`);
  }
  return planOf(scenario);
}

function scenarioOf(name: unknown): (typeof SCENARIOS)[number] | undefined {
  return SCENARIOS.find((candidate) => candidate.name === name);
}

/**
 * On a cluster: the lease of a broker is 20 s, and after a power cut a journal of Gazette may answer nobody for 60 s.
 */
export function defaultSla(cluster: ClusterOptions | null): string {
  return cluster === null ? '30s' : '3m';
}
