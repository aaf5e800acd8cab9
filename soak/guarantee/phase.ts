/** The phases of a run, in both worlds. */

/** In the order in which a run goes through them. */
export type Phase = 'warm-up' | 'steady' | 'faults' | 'heal' | 'drain' | 'audit';
