import test from 'ava';
import { surviveKills } from './testing/killed-fleet.ts';

test('whatever is killed and however often, every file gets exactly one right sum', (t) => surviveKills(t, 15));
