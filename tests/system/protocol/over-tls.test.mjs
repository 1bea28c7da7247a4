import { overTls } from '../lib/over-tls.mjs';

await overTls('frames', 'messages', 'presence', 'slow');
