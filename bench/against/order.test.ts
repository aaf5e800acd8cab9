import test from 'ava';
import fc from 'fast-check';
import { Prng } from '../../src/core/prng.ts';
import { orderOf } from './order.ts';

test('of every two pairs each build is first in one, whatever the seed', (t) => {
  fc.assert(
    fc.property(fc.nat({ max: 60 }), fc.nat(), (pairs, seed) => {
      const order = orderOf(pairs, Prng.fromSeed(seed));
      t.is(order.length, pairs);
      for (let pair = 0; pair + 1 < pairs; pair += 2) t.not(order[pair], order[pair + 1]);
    }),
  );
});

test('chance says which build is first, and a seed repeats it', (t) => {
  const orders = Array.from({ length: 200 }, (_, seed) => orderOf(10, Prng.fromSeed(seed)).join());
  t.deepEqual(orderOf(10, Prng.fromSeed(7)).join(), orders[7]);
  t.is(new Set(orders).size, 2 ** 5, 'every order of five blocks occurs');
  const first = orders.filter((order) => order.startsWith('old')).length;
  t.true(first > 65 && first < 135, `old is first in ${first} of 200: five standard errors about the half`);
});
