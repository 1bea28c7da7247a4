import * as clock from './clock.js';
import * as chat from './chat.js';
import * as daemon from './daemon.js';
import * as orders from './orders.js';
import * as tokens from './tokens.js';

for (const part of [clock, chat, orders, tokens, daemon]) part.start();
