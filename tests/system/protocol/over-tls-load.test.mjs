import { overTls } from '../lib/over-tls.mjs';

await overTls('order', 'leaks');
