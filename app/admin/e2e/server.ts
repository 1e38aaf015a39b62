// The real program for the browser to meet: pages, workers and WeChat simulator on free
// ports, on the MariaDB and Redis of scripts/with-servers (SQLite and the embedded queue
// where there are none).
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const operator = { login: 'admin', password: 'e2e-Sesam-2026' };

/** ended tells whether an address is one of a program that its test has stopped: pages that
 * are still open ask it in vain. */
export const ended = (url: string): boolean => [...over].some((base) => url.startsWith(base));
const over = new Set<string>();

export type Server = {
  base: string;
  sim: string;
  /** A command of the same installation beside it, as who runs the machine types it. */
  run: (...args: string[]) => void;
  stop: () => Promise<void>;
};

const root = fileURLToPath(new URL('../../..', import.meta.url));
const results = fileURLToPath(new URL('../test-results', import.meta.url));

/** binary is the program under test: SIYU_BIN, or it is built. */
export function binary(into: string): string {
  if (process.env.SIYU_BIN) return process.env.SIYU_BIN;
  const path = join(into, 'siyu');
  execFileSync('go', ['build', '-o', path, './app/siyu'], { cwd: root, stdio: 'inherit' });
  return path;
}

/** freePort is one that nobody listens on, and none of those that the kernel gives to callers:
 * a program takes a while before it listens, and somebody could call from it meanwhile. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    const free = await new Promise<boolean>((answer) => {
      const s = createServer();
      s.once('error', () => answer(false));
      s.listen(port, '127.0.0.1', () => s.close(() => answer(true)));
    });
    if (free) return port;
  }
}

/** A schema of its own on the test server; '' where there is none. */
function schema(name: string): string {
  const dsn = process.env.SIYU_TEST_MYSQL;
  const m = /^([^@]+)@tcp\(([^:]+):(\d+)\)\/$/.exec(dsn ?? '');
  if (!dsn || !m) return '';
  const [, user = '', host = '', port = ''] = m;
  execFileSync('mariadb', [
    '--no-defaults',
    '--protocol=tcp',
    `-u${user}`,
    `-h${host}`,
    `-P${port}`,
    '-e',
    `DROP DATABASE IF EXISTS ${name}; CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  ]);
  return `mysql://${user}@${host}:${port}/${name}`;
}

/** Each program its own numbered database of Redis, or they would work on each other's tasks,
 * those that a program left behind among them. */
const queues = {
  demo: 1,
  firstday: 2,
  deeds: 3,
  eyecare: 4,
  audience: 5,
  tags: 6,
  veiled: 7,
  staff: 8,
} as const;
/** Name of a program under test: of its database, its queue and its log. */
export type Name = keyof typeof queues;

/** start runs the program: "demo" with sample data, "serve" as on the first day of an empty
 * installation. name keeps two of them apart; more is further environment. */
export async function start(command: 'demo' | 'serve', name: Name, more: Record<string, string> = {}): Promise<Server> {
  const data = mkdtempSync(join(tmpdir(), `siyu-e2e-${name}-`));
  const [port, simPort] = [await freePort(), await freePort()];
  const base = `http://127.0.0.1:${port}`;
  const db = schema(`siyu_e2e_${name}`);
  const redis = process.env.SIYU_TEST_REDIS ?? '';
  const env: Record<string, string | undefined> = {
    ...process.env,
    SIYU_ADDR: `127.0.0.1:${port}`,
    SIYU_SIM_ADDR: `127.0.0.1:${simPort}`,
    SIYU_PUBLIC_URL: base,
    SIYU_DATA: data,
    SIYU_LOG_LEVEL: 'warn',
    SIYU_ADMIN_LOGIN: operator.login,
    SIYU_ADMIN_PASSWORD: operator.password,
    ...(db ? { SIYU_DB: db } : {}),
    ...(redis ? { SIYU_REDIS: `redis://${redis}/${queues[name]}` } : {}),
    ...more,
  };
  const program = binary(data);
  const run = (...args: string[]) => void execFileSync(program, args, { env, stdio: 'pipe' });
  const child = spawn(program, [command], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  const log = join(results, `server-${name}.log`);
  mkdirSync(results, { recursive: true });
  child.stderr?.on('data', (b: Buffer) => {
    said = (said + b.toString()).slice(-20_000);
    appendFileSync(log, b);
  });
  let stopped = false;
  child.once('exit', (code, signal) => {
    if (!stopped) appendFileSync(log, `the program ended by itself: ${signal ?? code}\n`);
  });
  const stop = async () => {
    stopped = true;
    over.add(`${base}/`);
    await gone(child);
    rmSync(data, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null || tries > 600) {
      await stop();
      throw new Error(`siyu ${command} did not start:\n${said}`);
    }
    const up = await fetch(`${base}/readyz`).then(
      (r) => r.ok,
      () => false,
    );
    if (up) return { base, sim: `http://127.0.0.1:${simPort}`, run, stop };
    await new Promise((r) => setTimeout(r, 100));
  }
}

function gone(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
