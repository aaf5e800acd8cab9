/**
 * Metrics as text that Prometheus reads: its text-based exposition format, version 0.0.4. `prom-client` writes it too,
 * but its histogram counts values only one by one, and the values of a soak arrive counted, by the thousand. Pure.
 */

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type MetricSample = {
  readonly labels?: Readonly<Record<string, string>>;
  /** Null: unknown, and the sample is left out. */
  readonly value: number | null;
  /** The suffixes of a histogram: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
};

export type Metric = {
  /** The name ends in the unit, and in `_total` when the value only grows. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly samples: readonly MetricSample[];
};

export function exposition(metrics: readonly Metric[]): string {
  return metrics
    .map(({ name, type, help, samples }) => {
      const lines = samples.flatMap(({ labels = {}, value, suffix = '' }) =>
        value === null ? [] : [`${name}${suffix}${labelsText(labels)} ${valueText(value)}\n`],
      );
      return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function valueText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
