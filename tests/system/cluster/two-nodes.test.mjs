// Suites of one node once more on two: publishers at one, subscribers at both.
process.env.FANFARE_TEST_NODES = '2';

for (const file of ['messages', 'channels', 'client-events', 'presence', 'cache-users', 'watchlist', 'order']) await import(`../protocol/${file}.test.mjs`);
