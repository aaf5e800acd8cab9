/** The duties of an engine on a journal with three replicas, among four brokers. */

import { testDuties } from './testing/gazette-duties.ts';

testDuties({ name: 'R3', brokers: 4, replication: 3, etcd: 3 });
