/** How a planned fault kills a process. */

/**
 * A process dies at once, or in its n-th call into the world from then on; and what its commit under way leaves.
 */
export type Death = { readonly atCall: number; readonly commit: 'lost' | 'durable'; readonly downMs: number };
