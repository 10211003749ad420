import { logIn } from '@slipway/contracts/users';
import { ok } from './http.ts';
import type { Stores } from './stores.ts';
import { startSystem } from './system.ts';

/** The running system that a journey uses: the one at SLIPWAY_URL, or one that was started for the test. */
export type Target = {
  base: string;
  /** Addresses of the management listeners, by the name of the service; none if the system was not started for the test. */
  managements: Record<string, string>;
  adminToken(): Promise<string>;
  close(): Promise<void>;
};

/**
 * Opens the system for a journey. With SLIPWAY_URL (and SLIPWAY_ADMIN_EMAIL, SLIPWAY_ADMIN_PASSWORD), this is a system in
 * Compose or in a cluster. Otherwise it starts all services as processes on free ports, with the settings in `env`.
 */
export async function openTarget(
  env: Record<string, string> = {},
  stores: Stores = 'sqlite',
): Promise<Target> {
  const { SLIPWAY_URL, SLIPWAY_ADMIN_EMAIL = '', SLIPWAY_ADMIN_PASSWORD = '' } = process.env;
  if (SLIPWAY_URL) {
    const admin = { email: SLIPWAY_ADMIN_EMAIL, password: SLIPWAY_ADMIN_PASSWORD };
    return {
      base: SLIPWAY_URL,
      managements: {},
      adminToken: tokenOf(SLIPWAY_URL, admin),
      close: async () => {},
    };
  }
  const system = await startSystem({ env, stores });
  return {
    base: system.base,
    managements: Object.fromEntries(
      Object.entries(system.services).map(([name, { management }]) => [name, management]),
    ),
    adminToken: tokenOf(system.base, system.admin),
    close: () => system.stop(),
  };
}

function tokenOf(base: string, body: { email: string; password: string }) {
  return async () => (await ok(base, logIn, { body })).accessToken;
}
