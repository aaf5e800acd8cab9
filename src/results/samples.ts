/** The rows of samples.csv: one measured value each, in the same form for every suite, so that runs can be compared. */

export type Sample = {
  readonly suite: string;
  readonly benchmark: string;
  /** `name=value` pairs with a space between; the same text for the same configuration. */
  readonly parameters: string;
  /** The metric's name with its unit last: `sum_latency_p50_s`. */
  readonly metric: string;
  /** A base unit: `s`, `B`, `1/s`, `B/s`. */
  readonly unit: string;
  /** `none`: the value depends on another figure of the same run, so it is shown and never judged. */
  readonly better: 'higher' | 'lower' | 'none';
  /** From 1. */
  readonly round: number;
  /** Null: the value could not be measured. */
  readonly value: number | null;
};

/** Whether the value counts in a comparison: in the tests, in their correction, and for a gate. */
export function isJudged({ better }: Pick<Sample, 'better'>): boolean {
  return better !== 'none';
}

export const SAMPLE_COLUMNS: readonly (keyof Sample)[] = [
  'suite',
  'benchmark',
  'parameters',
  'metric',
  'unit',
  'better',
  'round',
  'value',
];

/** `name=value` pairs in the order given; pairs with null are left out. */
export function parametersText(pairs: Readonly<Record<string, string | number | null>>): string {
  return Object.entries(pairs)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
