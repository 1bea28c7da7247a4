// The doors by which questions and publishes come in, on two nodes: asked at one, what is asked for at both.
process.env.FANFARE_TEST_NODES = '2';

for (const file of ['http-api', 'ipc-queries', 'control-sockets']) await import(`../protocol/${file}.test.mjs`);
