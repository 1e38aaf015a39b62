import { start } from './server';

/** One program with sample data for all specs; a spec that needs an empty installation
 * starts its own. */
export default async function setup(): Promise<() => Promise<void>> {
  if (process.env.SIYU_E2E_BASE) return async () => {}; // somebody's own server
  const server = await start('demo', 'demo');
  process.env.SIYU_E2E_BASE = server.base;
  process.env.SIYU_E2E_SIM = server.sim;
  return server.stop;
}
