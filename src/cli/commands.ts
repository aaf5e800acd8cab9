/** The commands of `stream-sum`, in the order of its help. */

import type { Command } from 'commander';

type Load = () => Promise<Command>;

/** Loaded on demand: a component does not load the harness, and the harness does not load the components. */
export const COMMANDS: Readonly<Record<string, { readonly summary: string; readonly load: Load }>> = {
  soak: {
    summary: 'run the whole pipeline under faults and judge it',
    load: hashing(loadSoak),
  },
  simulate: {
    summary: 'simulate the whole system under random faults, from a seed',
    load: hashing(async () => (await import('../../soak/simulation/simulate-command.ts')).simulateCommand()),
  },
  detect: {
    summary: 'plant bugs in the simulated system, and count what the checkers find',
    load: hashing(loadDetect),
  },
  explain: {
    summary: 'tell what happened in a run, of a soak or of a simulated seed',
    load: hashing(async () => (await import('../../soak/explain/explain-command.ts')).explainCommand()),
  },
  audit: {
    summary: 'judge a recorded soak again, from its folder alone',
    load: hashing(async () => (await import('../../soak/audit/audit-command.ts')).auditCommand()),
  },
  report: {
    summary: 'write the report of a soak from its folder',
    load: async () => (await import('../../soak/report/report-command.ts')).reportCommand(),
  },
  bench: {
    summary: 'measure the parts, with their peers in the same run',
    load: hashing(loadBench),
  },
  profile: {
    summary: 'run the pipeline with a profiler on one component',
    load: hashing(async () => (await import('../../bench/profile/profile-command.ts')).profileCommand()),
  },
  compare: {
    summary: 'say what changed between recorded runs, and whether it is more than chance',
    load: async () => (await import('../../bench/compare/compare-command.ts')).compareCommand(),
  },
  cluster: {
    summary: 'build and run a cluster of Gazette brokers and etcd',
    load: async () => (await import('../../soak/cluster/cluster-command.ts')).clusterCommand(),
  },
  broker: { summary: 'serve the journals', load: async () => (await import('./broker-command.ts')).brokerCommand() },
  summer: {
    summary: 'fold chunks and publish sums',
    load: hashing(async () => (await import('./summer-command.ts')).summerCommand()),
  },
  chunker: {
    summary: 'publish files and verify their sums',
    load: async () => (await import('./chunker-command.ts')).chunkerCommand(),
  },
  retire: {
    summary: 'end a dead chunker in every journal',
    load: async () => (await import('./retire-command.ts')).retireCommand(),
  },
};

/** A command with a process that hashes. If the backend cannot be used, it ends before it has started anything. */
function hashing(load: Load): Load {
  return async () => {
    const { requiredBackend } = await import('./hash-backend.ts');
    return (await load()).hook('preAction', () => void requiredBackend());
  };
}

/** The harness, with modules that only the layers below may load. */
async function loadSoak(): Promise<Command> {
  const { soakCommand } = await import('../../soak/live/soak-command.ts');
  const { makeAudit } = await import('../../soak/live/audit/end-audit.ts');
  const { selectedBackend } = await import('../hash/backend.ts');
  const { connectJournals, libzmqVersion } = await import('./connection.ts');
  return soakCommand({
    versions: () => ({ libzmq: libzmqVersion, addonBackend: selectedBackend() }),
    connect: (endpoint) => connectJournals(endpoint, 'auditor'),
    audit: makeAudit((endpoint) => connectJournals(endpoint, 'audit')),
    runAsRoot,
    startEngine: async (asked) => {
      const { startSoakCluster } = await import('../../soak/cluster/soak-cluster.ts');
      const cluster = await startSoakCluster(asked);
      return { ...cluster, audit: makeAudit(() => cluster.connect()) };
    },
    // The chart library is large: it is loaded once there is something to show.
    report: async (folder) => (await import('../../soak/report/write-report.ts')).writeReport(folder),
  });
}

/** The measurements, with the clusters that bench does not know. */
async function loadBench(): Promise<Command> {
  const { benchCommand } = await import('../../bench/bench-command.ts');
  return benchCommand({
    findEngine: async (bin) => (await import('../../soak/cluster/measured-cluster.ts')).findGazetteEngine(bin),
    runAsRoot,
  });
}

/** Runs this command line again in a user namespace. */
async function runAsRoot(): Promise<number> {
  const { asRootOfNamespaces } = await import('../../soak/cluster/as-root.ts');
  return await asRootOfNamespaces(() => undefined);
}

/** The planted bugs, with what a soak over real processes needs. */
async function loadDetect(): Promise<Command> {
  const { detectCommand } = await import('../../soak/detect/detect-command.ts');
  const { makeAudit } = await import('../../soak/live/audit/end-audit.ts');
  const { connectJournals } = await import('./connection.ts');
  return detectCommand({
    connect: (endpoint) => connectJournals(endpoint, 'auditor'),
    audit: makeAudit((endpoint) => connectJournals(endpoint, 'audit')),
  });
}
