// Debian's Prometheus on a folder and a port of its own, ended by pid; and what its rules and a dashboard of Grafana ask for.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Process, freePort } from './daemon.mjs';
import { root } from './paths.mjs';
import { missingCommand } from './proxy.mjs';
import { until } from './wait.mjs';

export const noPrometheus = missingCommand('prometheus') || missingCommand('promtool');
export const packaging = (file) => join(root, 'packaging', file);

/** Runs promtool. -> what it has written; throws that if it ended with another status than 0. */
export function promtool(args, input) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', input });
    if (status !== 0) throw new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`);
    return `${stdout}${stderr}`;
}

/** The rules of a file: [{name, expr}]. */
export function rules(file) {
    const found = [];
    for (const [, , name, expr] of readFileSync(packaging(file), 'utf8').matchAll(/^ {6}- (alert|record): (\S+)\n {8}expr: (.*(?:\n {10}.*)*)/gm)) {
        found.push({ name, expr: expr.replace(/^>-\s*/, '').replace(/^'(.*)'$/s, (_, text) => text.replaceAll("''", "'")).replaceAll(/\s+/g, ' ') });
    }
    return found;
}

/** All queries of the dashboard, as Grafana would send them with everything selected: [{name, expr, legend, heat}]. */
export function queries(dashboard) {
    return dashboard.panels.flatMap((panel) => (panel.targets ?? []).map(({ expr, legendFormat }) => ({
        name: `${panel.title} (${legendFormat})`,
        expr: expr.replaceAll('$__rate_interval', '10s').replaceAll(/\$(job|instance|app)\b/g, '.*'),
        legend: legendFormat,
    })));
}

/** The selectors in a query, without what stands behind them. */
export const selectors = (expr) => [...new Set(expr.match(/\b(?:(?:fanfare|process)_\w+|up\b)(?:\{[^}]*\})?/g) ?? [])];

export class Prometheus {
    /** targets: [{labels, ports}]. It has the rules of packaging/prometheus, and asks every second. */
    static async start(jobs) {
        const prometheus = new Prometheus();
        prometheus.dir = mkdtempSync(join(tmpdir(), 'ff-prometheus-'));
        prometheus.port = await freePort();
        const config = join(prometheus.dir, 'prometheus.yml');
        // The example is what runs, with other addresses and a shorter interval.
        const lines = readFileSync(packaging('prometheus/prometheus.yml'), 'utf8').replaceAll('15s', '1s').split('\n');
        const head = lines.slice(0, lines.indexOf('scrape_configs:') + 1).map((line) => line.replace(/- (\w+\.yml)/, (_, file) => `- ${packaging(`prometheus/${file}`)}`));
        for (const [job, ports] of Object.entries(jobs)) head.push(`  - job_name: ${job}`, `    static_configs: [{ targets: [${ports.map((port) => `'127.0.0.1:${port}'`)}] }]`);
        writeFileSync(config, `${head.join('\n')}\n`);
        prometheus.process = new Process('prometheus', [`--config.file=${config}`, `--storage.tsdb.path=${prometheus.dir}/data`, `--web.listen-address=127.0.0.1:${prometheus.port}`, '--log.level=warn'], { cwd: prometheus.dir });
        await until(async () => {
            if (prometheus.process.status) throw new Error(prometheus.process.stderr);
            return (await fetch(`http://127.0.0.1:${prometheus.port}/-/ready`)).ok;
        }, () => `Prometheus to start\n${prometheus.process.stderr}`);
        return prometheus;
    }

    async get(path, parameters = []) {
        const response = await fetch(`http://127.0.0.1:${this.port}/api/v1/${path}?${new URLSearchParams(parameters)}`);
        const answer = await response.json();
        if (answer.status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${answer.error}`);
        return answer.data;
    }

    query(expr) {
        return this.get('query', [['query', expr]]).then(({ result }) => result);
    }

    async stop() {
        this.process.kill('SIGTERM');
        await this.process.exit();
        rmSync(this.dir, { recursive: true, force: true });
    }
}
