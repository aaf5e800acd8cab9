import test from 'ava';
import { Stops } from './stops.ts';

const S = 1e9;

test('a process that looks again and again was never stopped', (t) => {
  const stops = new Stops();
  for (let at = 5; at < 9; at += 0.9) stops.look(at * S);
  t.is(stops.between(0, 100 * S), 0);
});

test('of a time the part counts in which the process was stopped', (t) => {
  const stops = new Stops();
  for (const at of [1, 1.5, 7.5, 8, 20]) stops.look(at * S);
  t.is(stops.between(0, 30 * S), 16 * S);
  t.is(stops.between(2 * S, 4 * S), 1.5 * S);
  t.is(stops.between(7 * S, 9.5 * S), S);
  t.is(stops.between(7.5 * S, 8 * S), 0);
});

test('an event loop that is always late by little more than a second was hardly stopped', (t) => {
  const stops = new Stops();
  for (let at = 1; at < 61; at += 1.05) stops.look(at * S);
  t.true(stops.between(0, 61 * S) < 3 * S);
});

test('only the latest stops are kept', (t) => {
  const stops = new Stops();
  for (let at = 0; at <= 1_000; at += 2) stops.look(at * S);
  t.is(stops.between(0, 1_000 * S), 64 * S);
});
