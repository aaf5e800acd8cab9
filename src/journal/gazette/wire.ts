/**
 * The messages of `gazette.proto` and `etcd.proto` as the gRPC library hands them over: 64-bit integers are text,
 * absent messages are null, bytes are Buffers.
 */

import { OperatingError } from '../../core/errors.ts';

export type Label = { readonly name: string; readonly value: string };
export type LabelSet = { readonly labels: readonly Label[] };
export type LabelSelector = { readonly include?: LabelSet; readonly exclude?: LabelSet };
export type ProcessId = { readonly zone: string; readonly suffix: string };

export type Header = {
  readonly process_id: ProcessId | null;
  readonly route: { readonly members: readonly ProcessId[]; readonly primary: number } | null;
  readonly etcd: { readonly cluster_id: string; readonly revision: string } | null;
};

export type AppendRequest = {
  readonly journal?: string;
  readonly content?: Uint8Array;
  /** Where the journal must end; absent or `0`: anywhere. */
  readonly offset?: string;
  readonly check_registers?: LabelSelector;
  readonly union_registers?: LabelSet;
};

export type AppendResponse = {
  readonly status: number;
  readonly header: Header | null;
  readonly commit: { readonly begin: string; readonly end: string } | null;
  readonly registers: LabelSet | null;
};

export type ReadRequest = {
  readonly journal: string;
  readonly offset: string;
  readonly block: boolean;
  readonly metadata_only?: boolean;
};

export type ReadResponse = {
  readonly status: number;
  readonly header: Header | null;
  readonly offset: string;
  readonly write_head: string;
  readonly fragment: { readonly begin: string; readonly end: string } | null;
  readonly content: Buffer;
};

export type FragmentsRequest = { readonly journal: string; readonly next_page_token: string };

/** What one broker knows of: its own fragments, and those that it has seen in the store, by their begin. */
export type FragmentsResponse = {
  readonly status: number;
  readonly header: Header | null;
  readonly fragments: readonly { readonly spec: { readonly begin: string; readonly end: string } | null }[];
  /** Where the next page begins; `0`: there is none. */
  readonly next_page_token: string;
};

export type JournalSpec = {
  readonly name: string;
  readonly replication: number;
  readonly labels?: LabelSet;
  readonly fragment: {
    readonly length: string;
    readonly compression_codec: number;
    readonly stores: readonly string[];
    readonly refresh_interval: { readonly seconds: string };
    readonly retention?: { readonly seconds: string };
  };
  readonly flags: number;
};

export type ListResponse = {
  readonly status: number;
  readonly header: Header | null;
  readonly journals: readonly { readonly spec: { readonly name: string } | null; readonly mod_revision: string }[];
};

export type ApplyRequest = {
  readonly changes: readonly { readonly expect_mod_revision: string; readonly upsert: JournalSpec }[];
};
export type ApplyResponse = { readonly status: number };

export type KeyValue = { readonly key: Buffer; readonly value: Buffer; readonly mod_revision: string };
export type RangeRequest = { readonly key: Buffer; readonly range_end?: Buffer };
export type RangeResponse = {
  readonly header: { readonly cluster_id: string } | null;
  readonly kvs: readonly KeyValue[];
};
export type TxnRequest = {
  readonly compare: readonly {
    readonly result: number;
    readonly target: number;
    readonly key: Buffer;
    readonly mod_revision: string;
  }[];
  readonly success: readonly (
    | { readonly request_put: { readonly key: Buffer; readonly value: Buffer } }
    | { readonly request_delete_range: { readonly key: Buffer } }
  )[];
};
export type TxnResponse = { readonly succeeded: boolean };

/** A 64-bit integer of the wire as a number. Throws OperatingError beyond what a double holds exactly. */
export function numberOf(text: string | undefined): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw new OperatingError('ERR_GAZETTE_ANSWER', `the cluster answered with ${text} where an offset belongs`);
  }
  return value;
}

/** Names a process of a route. */
export function processName(id: ProcessId | null): string {
  return id === null ? '' : `${id.zone}#${id.suffix}`;
}
