import { openParts } from './service.ts';

export const address = '192.0.2.1';
export const credentials = { email: 'ada@example.com', password: 'correct horse' };

/** Signs up a person and logs them in. */
export async function logIn() {
  const parts = await openParts();
  const account = await parts.accounts.signUp({ ...credentials, name: 'Ada' });
  const tokens = await parts.sessions.logIn(credentials, address);
  /** Refreshes one second later. */
  const refresh = (token: string) => {
    parts.time.at += 1_000;
    return parts.sessions.refresh(token, parts.time.at);
  };
  return { ...parts, account, tokens, refresh };
}
