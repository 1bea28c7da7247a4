// Channels are authorized by whatever guard an application has: a session, a token of Sanctum, a JWT; with Echo as it is, its
// authEndpoint and bearerToken included.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { APP, Daemon } from '../lib/daemon.mjs';
import { load, need } from '../lib/deps.mjs';
import { Laravel, connected, hear, missing, subscribed } from '../lib/laravel.mjs';
import { auth } from '../lib/packages.mjs';
import { system } from '../lib/paths.mjs';
import { hmac } from '../lib/sign.mjs';
import { Inbox, deadline } from '../lib/wait.mjs';

const { default: Echo } = await load('laravel-echo/dist/echo.js');
const skip = missing();
const SECRET = 'j'.repeat(32);

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function jwt(claims, { secret = SECRET, alg = 'HS256' } = {}) {
    const text = `${part({ typ: 'JWT', alg })}.${part(claims)}`;
    return `${text}.${alg === 'none' ? '' : createHmac('sha256', secret).update(text).digest('base64url')}`;
}
const soon = () => Math.floor(Date.now() / 1000) + 600;

describe('authorizing channels', { skip }, () => {
    let daemon, app, sanctum;
    const echoes = new Set();

    before(async () => {
        daemon = await Daemon.start();
        app = await Laravel.create(daemon, { packages: auth, overlays: [join(system, 'app-auth')] });
        const ready = await app.artisan('vendor:publish', '--tag=sanctum-migrations');
        assert.equal(ready.code, 0, ready.stdout + ready.stderr);
        assert.equal((await app.artisan('migrate', '--force')).code, 0);
        const { stdout, stderr } = await app.artisan('tinker', '--execute',
            'echo json_encode(["ann" => App\\Models\\User::find(1)->createToken("t")->plainTextToken, "bob" => App\\Models\\User::find(2)->createToken("t")->plainTextToken, '
            + '"old" => App\\Models\\User::find(1)->createToken("t", ["*"], now()->subDay())->plainTextToken]);');
        try {
            sanctum = JSON.parse(stdout);
        } catch {
            throw new Error(stdout + stderr);
        }
        await app.serve();
    });
    after(async () => {
        for (const echo of echoes) echo.disconnect();
        await app?.stop();
        await daemon?.stop();
    });

    /** As docs/laravel.md has it. */
    function withToken(prefix, token) {
        const echo = new Echo({
            broadcaster: 'reverb',
            Pusher: need('pusher-js'),
            key: APP.key,
            wsHost: '127.0.0.1',
            wsPort: daemon.port,
            forceTLS: false,
            enabledTransports: ['ws', 'wss'],
            authEndpoint: `${app.url}/${prefix}/broadcasting/auth`,
            userAuthentication: { endpoint: `${app.url}/${prefix}/broadcasting/user-auth`, headers: { 'X-Requested-With': 'XMLHttpRequest' } },
            auth: { headers: { 'X-Requested-With': 'XMLHttpRequest' } },
            bearerToken: token,
        });
        echoes.add(echo);
        return echo;
    }

    async function withSession(user) {
        const session = await app.session(user);
        const echo = session.echo({
            options: {
                userAuthentication: {
                    customHandler: ({ socketId }, callback) => {
                        session.fetch('/broadcasting/user-auth', { method: 'POST', body: new URLSearchParams({ socket_id: socketId }) })
                            .then(async (response) => callback(response.ok ? null : new Error(response.status), response.ok ? await response.json() : null));
                    },
                },
            },
        });
        echoes.add(echo);
        return echo;
    }

    /** What Echo's error() gets: with a status from pusher-js itself, in words from the handler that stands for a browser's cookies. */
    const refused = (status) => ({ error }) => error.type === 'AuthError' && (error.status === status || error.error.includes(`answered ${status}`));

    const kinds = {
        'a session': { of: withSession, none: () => withSession(undefined), status: 403 },
        'a token of Sanctum': { of: async (user) => withToken('api', sanctum[user === 1 ? 'ann' : 'bob']), none: async () => withToken('api', '1|wrong'), status: 401 },
        'a JWT': { of: async (user) => withToken('jwt', jwt({ sub: user, exp: soon() })), none: async () => withToken('jwt', jwt({ sub: 1, exp: soon() }, { secret: 'w'.repeat(32) })), status: 401 },
    };

    for (const [name, { of, none, status }] of Object.entries(kinds)) describe(`with ${name}`, () => {
        let ann, bob;
        before(async () => {
            [ann, bob] = [await of(1), await of(2)];
            await connected(ann);
            await connected(bob);
        });

        test('a private channel of one\'s own, and not another\'s', async () => {
            const own = ann.private('own.1');
            const inbox = hear(own, '.hello');
            await subscribed(own);
            await assert.rejects(subscribed(bob.private('own.1')), refused(403));
            assert.equal((await app.artisan('test:act', 'anonymous', JSON.stringify({ type: 'private', channel: 'own.1', as: 'hello', value: name }))).code, 0);
            assert.deepEqual(await inbox.take('the event'), { value: name });
        });

        test('a presence channel shows who it is', async () => {
            const room = `room.${name.length}`;
            const log = new Inbox();
            const here = ann.join(room).here((users) => log.push(users)).joining((user) => log.push(user));
            await subscribed(here);
            assert.deepEqual(await log.take('who is here'), [{ name: 'Ann' }]);
            const other = bob.join(room);
            await subscribed(other);
            assert.deepEqual(await log.take('who comes'), { name: 'Bob' });
            assert.equal(other.subscription.members.me.id, '2');
        });

        test('signing in as a user', async () => {
            const { pusher } = bob.connector;
            pusher.signin();
            await deadline(pusher.user.signinDonePromise, 'the sign-in');
            assert.equal(pusher.user.user_data?.id, '2');
        });

        test('nobody, or a token that is wrong, is refused, and Echo\'s error() hears of it', async () => {
            const nobody = await none();
            await connected(nobody);
            // One after the other, or the second is refused before anybody listens to its error.
            for (const subscribe of [() => nobody.private('own.1'), () => nobody.join('room.1')]) {
                await assert.rejects(subscribed(subscribe()), refused(status));
            }
            const open = nobody.channel('open.public');
            const inbox = hear(open, '.hello');
            await subscribed(open);
            assert.equal((await app.artisan('test:act', 'anonymous', JSON.stringify({ channel: 'open.public', as: 'hello', value: 1 }))).code, 0);
            assert.deepEqual(await inbox.take('what is public'), { value: 1 });
        });
    });

    /** An authorization without Echo. */
    const ask = (prefix, token, channel, headers = {}) => fetch(`${app.url}/${prefix}/broadcasting/auth`, {
        method: 'POST',
        redirect: 'manual',
        headers: { Accept: 'application/json', ...(token && { Authorization: `Bearer ${token}` }), ...headers },
        body: new URLSearchParams({ socket_id: '1.2', channel_name: channel }),
    });

    test('stateless: no cookie is set, none is needed, and the signature is the daemon\'s', async () => {
        for (const [prefix, token] of [['api', sanctum.ann], ['jwt', jwt({ sub: 1, exp: soon() })]]) {
            const response = await ask(prefix, token, 'private-own.1');
            assert.equal(response.status, 200);
            assert.equal(response.headers.get('set-cookie'), null);
            assert.deepEqual(await response.json(), { auth: `${APP.key}:${hmac(APP.secret, '1.2:private-own.1')}` });
        }
    });

    test('tokens that are none: expired, of another kind, without a signature, without a user, none at all', async () => {
        for (const [prefix, token] of [
            ['api', undefined], ['api', sanctum.old], ['api', `${sanctum.ann}x`], ['api', jwt({ sub: 1, exp: soon() })],
            ['jwt', undefined], ['jwt', jwt({ sub: 1, exp: 1 })], ['jwt', sanctum.ann], ['jwt', jwt({ sub: 99, exp: soon() })], ['jwt', jwt({ sub: 1, exp: soon() }, { alg: 'none' })],
        ]) assert.equal((await ask(prefix, token, 'private-own.1')).status, 401, `${prefix} ${token}`);
    });

    test('a channel that names its guards is authorized by any of them', async () => {
        for (const token of [sanctum.ann, jwt({ sub: 1, exp: soon() })]) {
            assert.equal((await ask('open', token, 'private-guarded.1')).status, 200);
            assert.equal((await ask('open', token, 'private-guarded.2')).status, 403);
            // This one names none, and the default guard is the session, which an API does not have.
            assert.equal((await ask('open', token, 'private-own.1')).status, 403);
        }
        for (const token of [undefined, 'wrong', sanctum.old]) assert.equal((await ask('open', token, 'private-guarded.1')).status, 403);
    });
});
