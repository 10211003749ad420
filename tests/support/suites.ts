import { describe } from 'vitest';
import { missingServers } from '../stores/coverage.ts';
import type { Stores } from './stores.ts';
import { openTarget, type Target } from './target.ts';

/**
 * Declares a suite for each kind of stores. The suite is skipped if the servers are missing, and its name states the reason.
 *
 * @example
 * onEachStores('an account', (stores) => { it('is stored', async () => startSystem({ stores })); });
 */
export function onEachStores(name: string, suite: (stores: Stores) => void): void {
  describe(`${name} (stores: sqlite)`, () => suite('sqlite'));
  const missing = missingServers(process.env).join(', ');
  const why = missing && `, skipped: ${missing}`;
  describe.skipIf(missing)(`${name} (stores: real${why})`, () => suite('real'));
}

/** Opens a target. `env` has settings for a system that is started for it. */
type Open = (env?: Record<string, string>) => Promise<Target>;

/** Declares a journey through the system at SLIPWAY_URL, or through one that is started for each kind of stores. */
export function journey(name: string, suite: (open: Open) => void): void {
  const { SLIPWAY_URL } = process.env;
  if (SLIPWAY_URL) describe(`${name} (at ${SLIPWAY_URL})`, () => suite(openTarget));
  else onEachStores(name, (stores) => suite((env) => openTarget(env, stores)));
}
