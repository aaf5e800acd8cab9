/** Commits a shard as a summer does, and collects the sums. */

import { type Sum, decodeSums } from '../../message/sum.ts';
import { WriteBatch } from '../../store/store.ts';
import { MemoryStore } from '../../store/testing/memory-store.ts';
import { type OutboxEntry, Shard } from '../shard.ts';

export async function commit(shard: Shard, store: MemoryStore): Promise<OutboxEntry | null> {
  const batch = new WriteBatch();
  shard.write(batch);
  await store.commit(batch.writes);
  return shard.committed();
}

export function sumsOf(entry: OutboxEntry | null): Sum[] {
  return entry === null ? [] : (decodeSums(entry.sums) ?? []);
}
