// The real program for the browser to meet: pages, workers and WeChat simulator on free
// ports, on the MariaDB and Redis of scripts/with-servers (SQLite and the embedded queue
// where there are none).
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const operator = { login: 'admin', password: 'e2e-Sesam-2026' };

export type Server = { base: string; sim: string; stop: () => Promise<void> };

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** binary is the program under test: SIYU_BIN, or it is built. */
export function binary(into: string): string {
  if (process.env.SIYU_BIN) return process.env.SIYU_BIN;
  const path = join(into, 'siyu');
  execFileSync('go', ['build', '-o', path, './app/siyu'], { cwd: root, stdio: 'inherit' });
  return path;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const s = createServer();
    s.once('error', reject);
    s.listen(0, '127.0.0.1', () => {
      const at = s.address();
      s.close(() => resolve(typeof at === 'object' && at ? at.port : 0));
    });
  });
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

/** start runs the program: "demo" with sample data, "serve" as on the first day of an empty
 * installation. name keeps two of them apart; more is further environment. */
export async function start(
  command: 'demo' | 'serve',
  name: string,
  more: Record<string, string> = {},
): Promise<Server> {
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
    // Each program its own numbered database, or they would work on each other's tasks.
    ...(redis ? { SIYU_REDIS: `redis://${redis}/${command === 'demo' ? 14 : 15}` } : {}),
    ...more,
  };
  const child = spawn(binary(data), [command], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (b: Buffer) => {
    said = (said + b.toString()).slice(-20_000);
  });
  const stop = async () => {
    await ended(child);
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
    if (up) return { base, sim: `http://127.0.0.1:${simPort}`, stop };
    await new Promise((r) => setTimeout(r, 100));
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
