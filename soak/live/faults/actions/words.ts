/** The words for what probes saw. */

export function pidText(pids: readonly (string | number | null)[]): string {
  return `${pids.length === 1 ? 'pid' : 'pids'} ${pids.join(' ')}`;
}
