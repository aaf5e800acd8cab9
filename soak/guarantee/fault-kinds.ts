/** The vocabulary of faults: what a verdict counts, and a schedule draws from. */

export type FaultKind = 'kill-broker' | 'kill-summer' | 'kill-all-summers' | 'kill-chunker';
export const FAULT_KINDS: readonly FaultKind[] = ['kill-broker', 'kill-summer', 'kill-all-summers', 'kill-chunker'];
