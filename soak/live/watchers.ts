/** Watches a soak from outside its log: the moments of processes, their resources, and metrics for clients. */

import { MomentPages } from '../../src/moments/moment-pages.ts';
import { MetricsServer } from './metrics/metrics-server.ts';
import { SoakMetrics } from './metrics/soak-metrics.ts';
import { ResourceWatch } from './resources/resource-watch.ts';
import { SELF } from './sampler.ts';
import type { SoakOptions } from './soak-options.ts';

export type Watchers = {
  readonly resources: ResourceWatch;
  /** Null: no metrics were requested. */
  readonly metrics: SoakMetrics | null;
  readonly metricsUrl: string | null;
  /** The pages on which processes tell their moments; null: there are none. */
  readonly pages: MomentPages | null;
  close(): void;
};

/** Throws a UsageError when metrics cannot be served. */
export async function openWatchers(options: Pick<SoakOptions, 'metricsPort' | 'seed' | 'faults'>): Promise<Watchers> {
  const { metricsPort, faults } = options;
  const metrics = metricsPort === null ? null : new SoakMetrics(options);
  const server = metrics && (await MetricsServer.start(metricsPort ?? 0, () => metrics.text()));
  const resources = new ResourceWatch({ self: SELF });
  const pages = faults.length === 0 ? null : MomentPages.create();
  return {
    resources,
    metrics,
    metricsUrl: server?.url ?? null,
    pages,
    close: () => {
      server?.close();
      resources.close();
      pages?.close();
    },
  };
}
