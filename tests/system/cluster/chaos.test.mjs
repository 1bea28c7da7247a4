// A short one of tests/system/chaos, always the same faults.
import { test } from 'node:test';
import { chaos } from '../chaos/chaos.mjs';
import { noRedis } from '../lib/redis.mjs';

test('faults at random, two at a time: nothing is missing, doubled or out of order', { skip: noRedis }, () => chaos({ seed: 20, seconds: 20 }));
