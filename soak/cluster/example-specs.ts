/** The journals and shards of Gazette's example, as `gazctl` takes them, and what its summer says of them. Pure. */

const FOLDER = 'examples/stream-sum';
/** As many as in the example's own deployment, and as many partitions as our rows have. */
export const EXAMPLE_SHARDS = 8;
/** They alternate among the shards, as in the example's own deployment. */
const STORES = ['rocksdb', 'sqlite'];

type Label = { readonly name: string; readonly value: string };

const LINES: Label = { name: 'content-type', value: 'application/x-ndjson' };
const LOG: Label = { name: 'content-type', value: 'application/x-gazette-recoverylog' };

/** JSON is YAML too. Fragments are as in the journals of our pipelines. */
export function exampleJournals({ replication }: { readonly replication: number }): string {
  return JSON.stringify({
    name: `${FOLDER}/`,
    replication,
    fragment: { length: 64 * 1024 * 1024, compression_codec: 'NONE', stores: ['file:///'], refresh_interval: '10s' },
    children: [
      {
        name: `${FOLDER}/chunks/`,
        labels: [{ name: 'app.gazette.dev/message-type', value: 'stream_sum.Chunk' }, LINES],
        children: parts().map((part) => ({ name: `${FOLDER}/chunks/${part}` })),
      },
      {
        name: `${FOLDER}/recovery-logs/`,
        labels: [LOG],
        children: parts().map((part) => ({ name: `${FOLDER}/recovery-logs/chunks-${part}` })),
      },
      {
        name: `${FOLDER}/sums`,
        labels: [{ name: 'app.gazette.dev/message-type', value: 'stream_sum.Sum' }, LINES],
      },
    ],
  });
}

/** As in the example's own deployment, without standbys: there is one summer. */
export function exampleShards(): string {
  return JSON.stringify({
    common: {
      recovery_log_prefix: `${FOLDER}/recovery-logs`,
      hint_prefix: `/gazette/hints/${FOLDER}`,
      hint_backups: 2,
      max_txn_duration: '1s',
    },
    shards: parts().map((part, at) => ({
      id: `chunks-${part}`,
      sources: [{ journal: `${FOLDER}/chunks/${part}` }],
      labels: [{ name: 'store', value: STORES[at % STORES.length] }],
    })),
  });
}

function parts(): string[] {
  return Array.from({ length: EXAMPLE_SHARDS }, (_, at) => `part-${String(at).padStart(3, '0')}`);
}

/** The number of shards that the summer serves, by the text of its metrics. */
export function servedShards(metrics: string): number {
  return metrics.split('\n').filter((line) => /^gazette_shard_up\{.*status="PRIMARY".*\} 1$/.test(line)).length;
}

/** The messages of all transactions that the summer has committed, by the text of its metrics. */
export function committedMessages(metrics: string): number {
  const values = Array.from(metrics.matchAll(/^gazette_shard_read_messages_total\{.*\} (?<value>\S+)$/gm), (found) =>
    Number(found.groups?.['value']),
  );
  return values.reduce((sum, value) => sum + value, 0);
}
