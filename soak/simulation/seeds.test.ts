import test from 'ava';
import { schedulesHold } from './testing/schedules.ts';

test.serial('a schedule of each workload holds, with faults that hit', (t) => schedulesHold(t, 1, 3));
