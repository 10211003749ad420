import { randomUUID } from 'node:crypto';
import { logIn, signUp, type User } from '@slipway/contracts/users';
import { ok } from './http.ts';

export type Person = { user: User; email: string; password: string; token: string; refreshToken: string };

/** Signs up and logs in a new person, so that journeys can run at the same time. */
export async function newPerson(base: string, name = 'Ada'): Promise<Person> {
  const email = `${name.toLowerCase()}-${randomUUID()}@example.com`;
  const password = `pass ${randomUUID()}`;
  const user = await ok(base, signUp, { body: { email, password, name } });
  const tokens = await ok(base, logIn, { body: { email, password } });
  return { user, email, password, token: tokens.accessToken, refreshToken: tokens.refreshToken };
}

/**
 * Polls until `probe` returns a value, or fails with a message that names what it waited for.
 *
 * @param within milliseconds
 * @param every milliseconds between two probes; more where a probe costs what the tested system needs
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  within = 15_000,
  every = 50,
): Promise<T> {
  const end = Date.now() + within;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`Not within ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
