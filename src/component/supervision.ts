/** `--supervised [DESCRIPTOR]`: whether a component has a supervisor, and where it sends its events. */

import { fstatSync } from 'node:fs';
import type { Option } from 'commander';
import { UsageError } from '../core/errors.ts';
import { parseCount } from '../core/units.ts';
import { DescriptorWriter } from './descriptor-writer.ts';
import { valueOption } from './flags.ts';

/** `stdio`: events on stdout, commands on stdin. A number: events on this descriptor, commands on stdin. */
export type Supervision = 'not' | 'stdio' | number;

const STDOUT = 1;
/** Events that may wait for a stopped supervisor: more than a chunker sends in a minute. */
const PENDING_BYTES_MAX = 8 * 1024 * 1024;

export function supervisedOption(): Option {
  return valueOption(
    '--supervised [descriptor]',
    'speak the supervisor protocol: commands on stdin, events on this descriptor (without a value, on stdout)',
    parseDescriptor,
  )
    .preset('stdio')
    .default('not', 'no');
}

/**
 * Throws a UsageError unless the text names an open pipe or socket of this process, beyond the standard descriptors.
 */
function parseDescriptor(text: string): Supervision {
  if (text === 'stdio') return text;
  const descriptor = parseCount(text, '--supervised');
  try {
    const stat = fstatSync(descriptor);
    if (descriptor > 2 && (stat.isSocket() || stat.isFIFO())) return descriptor;
  } catch {
    // The descriptor is not open.
  }
  throw new UsageError(`--supervised ${text}: not a pipe or socket that this process was started with`);
}

export function openOutput(supervised: Supervision): DescriptorWriter {
  const descriptor = typeof supervised === 'number' ? supervised : STDOUT;
  return new DescriptorWriter({ descriptor, pendingBytesMax: PENDING_BYTES_MAX });
}
