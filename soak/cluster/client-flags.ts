/** The flags by which a client finds a cluster: each client asks another member first. */

import type { Cluster } from './cluster.ts';

export function clientFlags(
  { brokerAddresses, etcdAddresses }: Pick<Cluster, 'brokerAddresses' | 'etcdAddresses'>,
  at: number,
): { readonly journals: string; readonly etcd: string } {
  const journals = rotated(brokerAddresses, at).map((text, index) => (index === 0 ? text : bare(text)));
  return { journals: journals.join(','), etcd: rotated(etcdAddresses, at).join(',') };
}

function rotated<T>(values: readonly T[], by: number): T[] {
  const at = by % Math.max(1, values.length);
  return [...values.slice(at), ...values.slice(0, at)];
}

function bare(address: string): string {
  return address.replace(/^gazette\+/, '');
}
