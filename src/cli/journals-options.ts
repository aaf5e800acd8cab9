/** Which journals a component uses: those of the embedded broker, or of a Gazette cluster. */

import type { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { UsageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type GazetteAddress, parseEtcdAddress, parseGazetteAddress } from '../journal/gazette/address.ts';
import { readBrokerKeys } from '../journal/gazette/auth.ts';
import type { Journals } from '../journal/journals.ts';
import { connectJournals, parseConnect } from './connection.ts';

export type JournalsFlags = {
  readonly connect?: string;
  readonly journals?: string;
  readonly etcd?: string;
  readonly brokerAuthKey?: string;
};

export type JournalsPlace =
  | { readonly engine: 'embedded'; readonly endpoint: string }
  | {
      readonly engine: 'gazette';
      readonly cluster: GazetteAddress;
      readonly etcd: readonly string[];
      /** Null: its brokers ask for no token. */
      readonly brokerKey: Uint8Array | null;
    };

/** Adds the options, and requires one of the two journals. */
export function journalsOptions(command: Command): Command {
  return command
    .option('--connect <endpoint>', "the broker's endpoint")
    .option('--journals <address>', 'instead of a broker: a Gazette cluster, as gazette+http://HOST:PORT[,HOST:PORT]')
    .option('--etcd <address>', 'the etcd of that cluster, as http://HOST:PORT[,HOST:PORT]')
    .option('--broker-auth-key <file>', 'the key, in base64, that its brokers share with their clients')
    .hook('preAction', (_, acting) => {
      const { connect, journals } = acting.opts<JournalsFlags>();
      if (connect !== undefined || journals !== undefined) return;
      throw new UsageError("--connect is required: the broker's endpoint; or --journals and --etcd, of a cluster");
    });
}

/** `data`: the data folder of the same command line. Throws a UsageError. */
export function parseJournals(flags: JournalsFlags, data: string | null): JournalsPlace {
  const { connect, journals, etcd, brokerAuthKey } = flags;
  if (journals === undefined) {
    if (brokerAuthKey !== undefined)
      throw new UsageError('--broker-auth-key belongs to --journals, which is not given');
    if (etcd !== undefined) throw new UsageError('--etcd belongs to --journals, which is not given');
    const endpoint = connect ?? '';
    parseConnect(endpoint, data);
    return { engine: 'embedded', endpoint };
  }
  if (connect !== undefined) throw new UsageError('--connect and --journals exclude each other');
  const cluster = parseGazetteAddress(journals, '--journals');
  if (etcd === undefined) throw new UsageError(`--etcd is required with --journals ${journals}`);
  const brokerKey = brokerAuthKey === undefined ? null : readBrokerKeys(brokerAuthKey, '--broker-auth-key').signing;
  return { engine: 'gazette', cluster, etcd: parseEtcdAddress(etcd, '--etcd'), brokerKey };
}

/** A client of the journals. An engine's packages are loaded with its first client. */
export async function openJournals(place: JournalsPlace, name: string, log?: Log): Promise<Journals> {
  if (place.engine === 'embedded') return connectJournals(place.endpoint, name, log);
  const { Rpc, importLibrary } = await import('../journal/gazette/rpc.ts');
  const { GazetteJournals } = await import('../journal/gazette/gazette-journals.ts');
  const { cluster, etcd, brokerKey } = place;
  const rpc = new Rpc(await importLibrary(), { brokers: cluster.brokers, etcd, brokerKey });
  const told = log === undefined ? {} : { log: namedLog(log, name) };
  return new GazetteJournals(rpc, { ...cluster, clock: systemClock, ...told });
}

/** Each line says which client it is from. */
function namedLog(log: Log, client: string): Log {
  const level =
    (name: keyof Log): Log['info'] =>
    (fields, message) =>
      log[name]({ client, ...fields }, message);
  return { info: level('info'), warn: level('warn'), fatal: level('fatal') };
}
