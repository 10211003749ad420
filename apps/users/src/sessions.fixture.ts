import { openParts } from './testing/service.ts';

export const address = '192.0.2.1';
export const credentials = { email: 'ada@example.com', password: 'correct horse' };

/** Somebody who has signed up and logged in. */
export async function logIn() {
  const parts = await openParts();
  const account = await parts.accounts.signUp({ ...credentials, name: 'Ada' });
  const tokens = await parts.sessions.logIn(credentials, address);
  /** Refreshes a second after whatever happened last. */
  const refresh = (token: string) => {
    parts.time.at += 1_000;
    return parts.sessions.refresh(token, parts.time.at);
  };
  return { ...parts, account, tokens, refresh };
}
