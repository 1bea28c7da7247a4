// A real Laravel application for a test: created by scripts/lib/make-app, with the extension loaded privately, served by
// `php artisan serve` or by nginx and PHP-FPM, with a queue worker, and with Echo clients that sign in.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { APP, Process, connectable, freePort } from './daemon.mjs';
import { load, need } from './deps.mjs';
import { out, root, system } from './paths.mjs';
import { Inbox, deadline, until } from './wait.mjs';

const php = process.env.PHP || 'php8.2';
const { default: Echo } = await load('laravel-echo/dist/echo.js');

/** Builds the extension (quick when nothing changed), one test file at a time, and returns the path of its .so. */
export function extension() {
    if (process.env.FANFARE_EXTENSION) return process.env.FANFARE_EXTENSION;
    const built = spawnSync('flock', [join(out, 'system-ext.lock'), join(root, 'scripts/build-ext'), '--php', php], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`scripts/build-ext failed:\n${built.stdout}${built.stderr}`);
    return join(out, 'ext/modules/fanfare.so');
}

/** Why the Laravel tests cannot run here, or false. */
export function missing(...commands) {
    for (const command of [php, 'composer', ...commands]) {
        if (spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0) return `${command} is not installed`;
    }
    return false;
}

export const MASTER_KEY = Buffer.alloc(32, 'k').toString('base64');

export class Laravel {
    #processes = [];

    /**
     * Creates the application beside a running daemon. The daemon belongs to the caller.
     * stock: without our extension and bridge, with Pusher's PHP SDK; env then chooses the driver and its credentials.
     * bare: with both, but without a line of .env about either, as when packages were installed and nothing was set up.
     * packages: more of Packagist's; overlays: more folders that are laid over it; ini: more lines of php.ini.
     */
    static async create(daemon, { env = {}, overlay = join(system, 'app'), overlays = [], packages = [], ini: lines = [], stock = false, bare = false } = {}) {
        const app = new Laravel();
        app.daemon = daemon;
        app.base = mkdtempSync(join(tmpdir(), 'ffa-'));
        app.dir = join(app.base, 'app');
        app.env = { ...process.env, PHP: php };
        if (!stock) {
            const ini = join(app.base, 'php');
            mkdirSync(ini);
            // A copy: a build that runs meanwhile must not pull it away from running processes.
            const own = join(app.base, 'fanfare.so');
            copyFileSync(extension(), own);
            writeFileSync(join(ini, 'fanfare.ini'), [`extension=${own}`, ...lines, ''].join('\n'));
            app.env.PHP_INI_SCAN_DIR = `:${ini}`;
        }
        app.httpPort = await freePort();
        app.url = `http://127.0.0.1:${app.httpPort}`;
        const settings = {
            APP_ENV: 'testing',
            APP_DEBUG: 'true',
            APP_URL: app.url,
            LOG_CHANNEL: 'single',
            SESSION_DRIVER: 'file',
            CACHE_STORE: 'file',
            QUEUE_CONNECTION: 'database',
            BCRYPT_ROUNDS: 4,
            ...(stock || bare ? {} : {
                BROADCAST_CONNECTION: 'fanfare',
                FANFARE_APP_ID: APP.id,
                FANFARE_APP_KEY: APP.key,
                FANFARE_APP_SECRET: APP.secret,
                FANFARE_SOCKET: daemon.socket,
                FANFARE_HOST: '127.0.0.1',
                FANFARE_PORT: daemon.port,
                FANFARE_SCHEME: 'http',
                FANFARE_ENCRYPTION_MASTER_KEY: MASTER_KEY,
            }),
            ...env,
        };
        const args = Object.entries(settings).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
        const required = packages.flatMap((name) => ['--require', name]);
        const made = spawnSync(join(root, 'scripts/lib/make-app'), [...(stock ? ['--stock'] : []), ...required, ...args, app.dir, overlay, ...overlays], { encoding: 'utf8', env: app.env });
        if (made.status !== 0) throw new Error(`scripts/lib/make-app failed:\n${made.stdout}${made.stderr}`);
        if (bare) {
            // The application was made with our installer, whose lines nobody has written here.
            const file = join(app.dir, '.env');
            const lines = readFileSync(file, 'utf8').split('\n').filter((line) => !/^FANFARE_/.test(line) || line.split('=')[0] in settings);
            writeFileSync(file, lines.join('\n'));
        }
        return app;
    }

    #spawn(command, args, options = {}) {
        const started = new Process(command, args, { cwd: this.dir, env: this.env, ...options });
        this.#processes.push(started);
        return started;
    }

    async #listening(port, started, what) {
        await until(async () => {
            if (started.status) throw new Error(`${what} ended:\n${started.stdout}${started.stderr}`);
            return connectable(port);
        }, () => `${what} on ${port}\n${started.stdout}${started.stderr}`);
    }

    /** `php artisan serve`: the built-in web server. */
    async serve() {
        const server = this.#spawn(php, ['artisan', 'serve', '--no-reload', '--host=127.0.0.1', `--port=${this.httpPort}`], {
            env: { ...this.env, PHP_CLI_SERVER_WORKERS: '4' },
            detached: true,
        });
        server.group = true;
        await this.#listening(this.httpPort, server, 'php artisan serve');
    }

    /**
     * nginx in front of PHP-FPM, and in front of the daemon as the package's nginx configuration has it. `settings` are more
     * lines of FPM's, `pool` more of its pool's; requests with the header X-Pool: other go to a second pool, of one child, with
     * the lines of `other`.
     */
    async fpm({ children = 3, settings = '', pool = '', other } = {}) {
        const run = join(this.base, 'run');
        rmSync(run, { recursive: true, force: true });
        mkdirSync(run);
        const socket = join(run, 'fpm.sock');
        const root_ = process.getuid() === 0;
        const poolOf = (at, n) => `${root_ ? 'user = root\ngroup = root\n' : ''}listen = ${at}\npm = static\npm.max_children = ${n}\nclear_env = no\ncatch_workers_output = yes\n`;
        writeFileSync(
            join(run, 'fpm.conf'),
            `[global]\nerror_log = ${run}/fpm.log\ndaemonize = no\n${settings}\n[www]\n${poolOf(socket, children)}${pool}\n` +
                (other === undefined ? '' : `[other]\n${poolOf(`${socket}2`, 1)}${other}\n`),
        );
        writeFileSync(
            join(run, 'nginx.conf'),
            `${root_ ? 'user root;' : ''}
pid ${run}/nginx.pid;
error_log ${run}/nginx.log;
daemon off;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path ${run}/body; proxy_temp_path ${run}/proxy; fastcgi_temp_path ${run}/fastcgi;
    uwsgi_temp_path ${run}/uwsgi; scgi_temp_path ${run}/scgi;
    client_max_body_size 8m;
    map $http_upgrade $fanfare_connection { default upgrade; '' close; }
    map $http_x_pool $pool { default ${socket}; other ${socket}2; }
    server {
        listen 127.0.0.1:${this.httpPort};
        root ${this.dir}/public;
        location /app/ {
            proxy_pass http://127.0.0.1:${this.daemon.port};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $fanfare_connection;
            proxy_set_header Host $host;
        }
        location / { try_files $uri /index.php?$query_string; }
        location ~ \\.php$ {
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME $realpath_root$fastcgi_script_name;
            fastcgi_pass unix:$pool;
        }
    }
}
`,
        );
        const fpm = this.#spawn('php-fpm8.2', ['-F', ...(root_ ? ['-R'] : []), '-y', join(run, 'fpm.conf')]);
        await until(() => {
            if (fpm.status) throw new Error(`php-fpm ended:\n${fpm.stderr}`);
            return existsSync(socket);
        }, () => `php-fpm\n${fpm.stderr}`);
        const nginx = this.#spawn('nginx', ['-e', join(run, 'nginx.log'), '-p', run, '-c', join(run, 'nginx.conf')]);
        await this.#listening(this.httpPort, nginx, 'nginx');
        this.fpmProcess = fpm;
    }

    /** A queue worker. Jobs that fail are not tried again, so that a failure is seen. */
    worker(...options) {
        return this.#spawn(php, ['artisan', 'queue:work', '--sleep=0.1', '--tries=1', ...options]);
    }

    /** Starts an artisan command that stays. */
    start(...args) {
        return this.#spawn(php, ['artisan', ...args]);
    }

    /** A PHP process in the application's folder, with the extension; the last argument may be an object with an env to add. */
    run(...args) {
        const { env = {} } = typeof args.at(-1) === 'object' ? args.pop() : {};
        return this.#spawn(php, args, { env: { ...this.env, ...env } });
    }

    /** Runs an artisan command to its end. */
    async artisan(...args) {
        const command = this.#spawn(php, ['artisan', ...args]);
        const status = await command.exit(60_000);
        return { ...status, stdout: command.stdout, stderr: command.stderr };
    }

    /** A PHP process that runs one action after the other: repl.act(). */
    async repl({ ini = [] } = {}) {
        const child = this.#spawn(php, [...ini.flatMap((line) => ['-d', line]), 'artisan', 'test:act'], { stdio: ['pipe', 'pipe', 'pipe'] });
        const read = answers(child);
        await read('that it is ready');
        return {
            process: child,
            /** -> {result} or {error, message} */
            try: async (action, input = {}) => {
                child.child.stdin.write(`${JSON.stringify({ action, input })}\n`);
                return read(action);
            },
            async act(action, input) {
                const answer = await this.try(action, input);
                if ('error' in answer) throw new Error(`${action}: ${answer.error}: ${answer.message}`);
                return answer.result;
            },
            /** Sends an action that will not be answered. */
            start: (action, input = {}) => void child.child.stdin.write(`${JSON.stringify({ action, input })}\n`),
            end: () => {
                child.child.stdin.end();
                return child.exit();
            },
        };
    }

    /** A worker like Octane's: tests/system/app/loop.php, which takes requests from its standard input. */
    async loop({ env = {} } = {}) {
        const child = this.#spawn(php, ['loop.php'], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...this.env, ...env } });
        const read = answers(child);
        await read('that it is ready');
        return {
            process: child,
            /** A request -> {status, body, cookies, kept, heap, process}; `times`: so often, and the answer is the last one's. */
            async request(uri, { cookies = {}, json, ...more } = {}) {
                const body = json === undefined ? {} : { method: 'POST', body: JSON.stringify(json) };
                child.child.stdin.write(`${JSON.stringify({ uri, cookies, ...body, ...more })}\n`);
                const answer = await read(uri);
                for (const [name, value] of answer.cookies) cookies[name] = value;
                return answer;
            },
            end: () => {
                child.child.stdin.end();
                return child.exit();
            },
        };
    }

    /** A PHP process that calls Pusher's SDK; only in a stock application. Throws what the SDK throws, with its class as .error. */
    sdk({ app = APP, options = {}, client = {} } = {}) {
        const child = this.#spawn(php, [join(system, 'php/sdk.php'), 'vendor/autoload.php'], { stdio: ['pipe', 'pipe', 'pipe'] });
        const read = answers(child);
        return async (method, args = [], change = {}) => {
            const call = { app: change.app ?? app, options: { host: '127.0.0.1', port: this.daemon.port, scheme: 'http', useTLS: false, ...options, ...change.options }, client, method, args, times: change.times };
            child.child.stdin.write(`${JSON.stringify(call)}\n`);
            const answer = await read(method);
            if ('error' in answer) throw Object.assign(new Error(`${method}: ${answer.error}: ${answer.message}`), answer);
            return answer.result;
        };
    }

    /** A session: a browser's cookies. Signs a user in when one is given. */
    async session(user) {
        const session = new Session(this);
        if (user !== undefined) {
            const { id } = await session.get(`/login/${user}`);
            if (id !== user) throw new Error(`signed in as ${id} instead of ${user}`);
        }
        return session;
    }

    /** Ends its processes and keeps its files: it can be served again, with another env. */
    async halt() {
        for (const child of this.#processes.splice(0).reverse()) {
            if (child.status) continue;
            if (child.group) {
                try {
                    process.kill(-child.pid, 'SIGTERM');
                } catch {
                    child.kill('SIGTERM');
                }
            } else child.kill('SIGTERM');
            await child.exit(10_000).catch(async () => {
                child.kill('SIGKILL');
                await child.exit();
            });
        }
    }

    async stop() {
        await this.halt();
        rmSync(this.base, { recursive: true, force: true });
    }

    /** What the application logged: shown when something fails. */
    log() {
        const { stdout } = spawnSync('tail', ['-n', '60', join(this.dir, 'storage/logs/laravel.log')], { encoding: 'utf8' });
        return stdout;
    }
}

/** Reads what a PHP process writes, a line of JSON for each answer. */
function answers(child) {
    child.child.stdin.on('error', () => {});
    const lines = new Inbox();
    createInterface({ input: child.child.stdout }).on('line', (line) => lines.push(line));
    child.exited.then(() => lines.push(null));
    return async (what) => {
        const line = await lines.take(() => `${what}\n${child.stderr}`);
        if (line === null) throw new Error(`PHP ended (${JSON.stringify(child.status)}) instead of answering ${what}\n${child.stdout.slice(-2000)}${child.stderr}`);
        try {
            return JSON.parse(line);
        } catch {
            throw new Error(`PHP printed ${JSON.stringify(child.stdout.slice(-2000))}\n${child.stderr}`);
        }
    };
}

/** What a failed action said, if it was one. */
function failure(text) {
    try {
        const { error, broadcast, previous } = JSON.parse(text);
        return { error, broadcast, previous };
    } catch {
        return {};
    }
}

class Session {
    #cookies = new Map();

    constructor(app) {
        this.app = app;
    }

    async fetch(path, options = {}) {
        const response = await fetch(`${this.app.url}${path}`, {
            ...options,
            redirect: 'manual',
            headers: {
                Accept: 'application/json',
                Cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
                ...options.headers,
            },
        });
        const lines = response.headers.getSetCookie?.() ?? response.headers.get('set-cookie')?.split(/,(?=\s*[\w-]+=)/) ?? [];
        for (const line of lines) {
            const [pair] = line.trim().split(';');
            this.#cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
        }
        return response;
    }

    async #json(response, what) {
        const text = await response.text();
        if (!response.ok) throw Object.assign(new Error(`${what} answered ${response.status}: ${text.slice(0, 800)}`), { status: response.status, text, ...failure(text) });
        return JSON.parse(text);
    }

    async get(path) {
        return this.#json(await this.fetch(path), `GET ${path}`);
    }

    /** Runs an action within a request; socketId as Echo's interceptors send it. */
    async act(action, input = {}, { socketId, headers = {} } = {}) {
        const response = await this.fetch(`/act/${action}`, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', ...headers, ...(socketId === undefined ? {} : { 'X-Socket-ID': socketId }) },
            body: JSON.stringify(input),
        });
        return (await this.#json(response, `action ${action}`)).result;
    }

    async authorize(socketId, channelName) {
        const response = await this.fetch('/broadcasting/auth', {
            method: 'POST',
            headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
            body: new URLSearchParams({ socket_id: socketId, channel_name: channelName }).toString(),
        });
        return this.#json(response, '/broadcasting/auth');
    }

    /** An Echo as an application makes it, connected to the daemon itself or to nginx in front of it. */
    echo({ port = this.app.daemon.port, options = {} } = {}) {
        // Node has one build of pusher-js, which brings the encryption along as 'pusher-js/with-encryption' does.
        const Pusher = need('pusher-js');
        const echo = new Echo({
            broadcaster: 'reverb',
            Pusher,
            key: APP.key,
            wsHost: '127.0.0.1',
            wsPort: port,
            wssPort: port,
            forceTLS: false,
            enabledTransports: ['ws'],
            disableStats: true,
            channelAuthorization: {
                // A browser sends its cookies by itself; in Node we do.
                customHandler: ({ socketId, channelName }, callback) => {
                    this.authorize(socketId, channelName).then((auth) => callback(null, auth), (error) => callback(error, null));
                },
            },
            ...options,
        });
        echo.errors = [];
        echo.connector.pusher.connection.bind('error', (error) => echo.errors.push(error));
        return echo;
    }
}


/** Resolves when Echo is connected; gives the socket id. */
export function connected(echo) {
    const { connection } = echo.connector.pusher;
    if (connection.state === 'connected') return Promise.resolve(echo.socketId());
    return deadline(new Promise((done) => connection.bind('connected', () => done(echo.socketId()))), () => `Echo to connect (it is ${connection.state}, ${JSON.stringify(echo.errors)})`);
}

/** Resolves when the channel is subscribed; rejects with what Echo's error() gets. */
export function subscribed(channel, what = channel.name) {
    // The answer may have come while the caller waited for something else.
    if (channel.subscription?.subscribed) return Promise.resolve(channel);
    return deadline(new Promise((done, fail) => {
        channel.subscribed(() => done(channel));
        channel.error((error) => fail(Object.assign(new Error(`subscribing to ${what}: ${JSON.stringify(error)}`), { error })));
    }), `the subscription to ${what}`);
}

/** An inbox of what a channel hears under these event names. */
export function hear(channel, ...events) {
    const inbox = new Inbox();
    for (const event of events) channel.listen(event, (data) => inbox.push(events.length > 1 ? { event, data } : data));
    return inbox;
}


