import { hash } from 'node:crypto';
import { toDocument } from '@slipway/contract-kit/problem';
import { seriesValue } from '@slipway/platform/testing/metrics';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { createPasswords, type Derive } from './passwords.ts';
import { createSessions } from './sessions.ts';
import { openParts } from './testing/service.ts';
import { address, credentials, logIn } from './testing/sessions.ts';

describe('a login', () => {
  it('is counted once, by its outcome', async () => {
    const { sessions, metrics } = await logIn();
    const wrong = { ...credentials, password: 'wrong' };
    for (let attempt = 0; attempt < 11; attempt += 1) {
      await expect(sessions.logIn(wrong, address)).rejects.toThrow();
    }
    const counted = (outcome: string) => seriesValue(metrics, 'users_sign_ins_total', { outcome });
    const counts = await Promise.all(['succeeded', 'refused', 'limited', 'failed'].map(counted));
    expect(counts).toEqual([1, 10, 1, 0]);
    expect(await seriesValue(metrics, 'users_signed_up_total')).toBe(1);
  });

  it('returns tokens that name the account, its roles and the session', async () => {
    const { tokens, account, administrators, sessions, store } = await logIn();
    expect(tokens).toMatchObject({ tokenType: 'Bearer', expiresIn: 300 });
    expect(decodeJwt(tokens.accessToken)).toMatchObject({ sub: account.id, roles: ['member'] });
    await administrators.grant(account.id);
    const claims = decodeJwt(
      (await sessions.logIn({ ...credentials, email: ' ADA@example.com' }, address)).accessToken,
    );
    expect(claims.roles).toEqual(['member', 'admin']);
    expect(await store.sessions.get(String(claims.sid))).toMatchObject({ accountId: account.id });
  });

  it('has the same error and takes the same work for an unknown account as for a wrong password', async () => {
    const costs: object[] = [];
    const derive: Derive = async ({ message, nonce, ...cost }) => {
      costs.push({ ...cost, nonce: nonce.byteLength });
      return hash('sha256', String(message), 'buffer');
    };
    const { accounts, sessions } = await openParts({ derive });
    await accounts.signUp({ ...credentials, name: 'Ada' });
    costs.length = 0;
    const answers = [];
    for (const wrong of [{ password: 'wrong' }, { email: 'nobody@example.com' }]) {
      const problem = await sessions.logIn({ ...credentials, ...wrong }, address).catch((error) => error);
      answers.push(toDocument(problem));
    }
    expect(answers[0]).toMatchObject({ code: 'wrong_credentials', status: 401 });
    expect(answers[1]).toEqual(answers[0]);
    expect(costs).toHaveLength(2);
    expect(costs[1]).toEqual(costs[0]);
  });

  it('hashes the password again when the cost has changed, which ends no session', async () => {
    const { account, tokens, refresh, ...parts } = await logIn();
    const passwords = createPasswords({ memory: 16, passes: 1, parallelism: 1 });
    const sessions = createSessions({ ...parts, passwords, log: { warn: () => undefined } });
    await sessions.logIn(credentials, address);
    const rehashed = await parts.store.accounts.get(account.id);
    expect(rehashed?.passwordHash).toContain('m=16,t=1,p=1');
    expect(await passwords.verify(credentials.password, rehashed?.passwordHash)).toBe(true);
    await expect(refresh(tokens.refreshToken)).resolves.toBeDefined();
  });
});
