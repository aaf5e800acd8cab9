import test from 'ava';
import { UsageError } from '../../src/core/errors.ts';
import { KINDS_OF_SCENARIOS, kindsOf } from '../guarantee/fault-kinds.ts';
import { parseClusterOptions, parseScenario } from './cluster-options.ts';
import { checkPlan } from './faults/fault-plan.ts';
import { SCENARIOS, planOf } from './scenarios.ts';

const RUN = { summers: 3, chunkers: 3, isFollowed: true, cluster: { brokers: 4, etcd: 3, fragments: 's3' } } as const;

test('each scenario is a fault that a soak of the usual size can be asked for', (t) => {
  const kinds = kindsOf(['kill', 'restart', 'takeover', 'member', 'network', 'powerloss'], RUN);
  t.is(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length);
  for (const scenario of SCENARIOS) {
    const plan = planOf(scenario);
    const { kind } = scenario.fault;
    t.is(kinds.includes(kind), !KINDS_OF_SCENARIOS.includes(kind), scenario.name);
    t.notThrows(() => checkPlan(plan, RUN), scenario.name);
    t.deepEqual(parseScenario({ engine: 'gazette', scenario: scenario.name }), plan);
  }
});

test('what a scenario cannot do is said in one line', (t) => {
  for (const texts of [
    { engine: 'gazette', scenario: 'crash-everything' },
    { engine: 'gazette', scenario: 'crash-one-etcd', faultPlan: 'x' },
    { engine: 'gazette', scenario: 'crash-one-etcd', brokers: '3' },
    { engine: 'gazette', scenario: 'crash-one-etcd', journals: 'gazette+http://a:1', etcd: 'http://b:2' },
  ]) {
    t.throws(() => parseScenario(texts), { instanceOf: UsageError }, JSON.stringify(texts));
  }
});

test('options of a cluster are refused where they say nothing', (t) => {
  t.is(parseClusterOptions({ engine: 'embedded' }), null);
  const own = { brokers: 4, replication: 3, etcd: 3, place: null, bin: null, brokerAuthKey: null, fragments: 'file' };
  t.deepEqual(parseClusterOptions({ engine: 'gazette' }), own);
  t.deepEqual(parseClusterOptions({ engine: 'gazette', brokers: '1' }), { ...own, brokers: 1, replication: 1 });
  const store = { engine: 'gazette', scenario: 'partition-brokers-from-store' };
  t.is(parseClusterOptions(store)?.fragments, 's3');
  t.throws(() => parseScenario({ ...store, fragments: 'file' }), { message: /needs --fragments s3$/ });
  const journals = 'gazette+http://a:1';
  const place = { journals, etcd: 'http://b:2' };
  t.deepEqual(parseClusterOptions({ engine: 'gazette', ...place })?.place, place);
  for (const texts of [
    { engine: 'kafka' },
    { engine: 'embedded', brokers: '3' },
    { engine: 'embedded', brokerAuthKey: 'key' },
    { engine: 'gazette', brokerAuthKey: '/no/such/key' },
    { engine: 'gazette', fragments: 'gcs' },
    { engine: 'gazette', ...place, fragments: 's3' },
    { engine: 'gazette', replication: '5' },
    { engine: 'gazette', etcd: 'http://b:2' },
    { engine: 'gazette', journals },
    { engine: 'gazette', ...place, brokers: '3' },
    { engine: 'gazette', ...place, etcd: '3' },
  ]) {
    t.throws(() => parseClusterOptions(texts), { instanceOf: UsageError }, JSON.stringify(texts));
  }
});
