import { randomUUID } from 'node:crypto';
import { logIn, signUp, type User } from '@slipway/contracts/users';
import { ok } from './http.ts';

export type Person = { user: User; email: string; password: string; token: string; refreshToken: string };

/** Signs up and logs in somebody nobody else uses, so that journeys may run beside each other. */
export async function newPerson(base: string, name = 'Ada'): Promise<Person> {
  const email = `${name.toLowerCase()}-${randomUUID()}@example.com`;
  const password = `pass ${randomUUID()}`;
  const user = await ok(base, signUp, { body: { email, password, name } });
  const tokens = await ok(base, logIn, { body: { email, password } });
  return { user, email, password, token: tokens.accessToken, refreshToken: tokens.refreshToken };
}

/** Polls until `probe` gives something, or fails with what it was waiting for. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  within = 15_000,
): Promise<T> {
  const end = Date.now() + within;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`Not within ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
