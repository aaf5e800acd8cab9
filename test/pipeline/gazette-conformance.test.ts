/** `gazette-conformance.deep.test.ts` does the same with three replicas. */

import { testDuties } from './testing/gazette-duties.ts';

testDuties({ name: 'R1', brokers: 1, replication: 1, etcd: 1 });
