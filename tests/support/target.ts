import { logIn } from '@slipway/contracts/users';
import { ok } from './http.ts';
import type { Stores } from './stores.ts';
import { startSystem } from './system.ts';

/** A running Slipway that journeys are sent to: one started here, or any that SLIPWAY_URL names. */
export type Target = {
  base: string;
  adminToken(): Promise<string>;
  close(): Promise<void>;
};

/**
 * Opens what the journeys run against. With SLIPWAY_URL (and SLIPWAY_ADMIN_EMAIL, SLIPWAY_ADMIN_PASSWORD) that is a
 * system in Compose or in a cluster; otherwise the four services are started as processes on free ports, with the
 * settings in `env`.
 */
export async function openTarget(
  env: Record<string, string> = {},
  stores: Stores = 'sqlite',
): Promise<Target> {
  const { SLIPWAY_URL, SLIPWAY_ADMIN_EMAIL = '', SLIPWAY_ADMIN_PASSWORD = '' } = process.env;
  if (SLIPWAY_URL) {
    const admin = { email: SLIPWAY_ADMIN_EMAIL, password: SLIPWAY_ADMIN_PASSWORD };
    return { base: SLIPWAY_URL, adminToken: tokenOf(SLIPWAY_URL, admin), close: async () => {} };
  }
  const system = await startSystem({ env, stores });
  return { base: system.base, adminToken: tokenOf(system.base, system.admin), close: () => system.stop() };
}

function tokenOf(base: string, body: { email: string; password: string }) {
  return async () => (await ok(base, logIn, { body })).accessToken;
}
