import { problem } from '@slipway/contracts/errors';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { holdTime, longestWrite, maxOthers, newRefreshToken, standingOf } from './sessions.ts';
import { address, credentials, logIn } from './testing/sessions.ts';

const invalid = expect.objectContaining({ code: 'refresh_token_invalid', status: 401 });

describe('standingOf', () => {
  const { token, tokenHash } = newRefreshToken('session');
  const other = newRefreshToken('session');
  const last = newRefreshToken('session');
  const older = newRefreshToken('session').token;
  const session = {
    tokenHash,
    others: [{ tokenHash: other.tokenHash, issuedAt: 900 }],
    replaced: [{ tokenHash: last.tokenHash, until: 900 }],
    refreshedAt: 1_000,
    expiresAt: 2_000,
  };

  const tokens = { current: token, other: other.token, replaced: last.token, older };

  it.each([
    ['current', 'current', 1_500],
    ['current', 'other', 1_500],
    ['simultaneous', 'replaced', 900],
    ['overtaken', 'replaced', 901],
    ['reused', 'replaced', 1_001],
    ['overtaken', 'older', 999],
    ['overtaken', 'older', 1_000],
    ['reused', 'older', 1_001],
    ['current', 'current', 1_999],
    ['expired', 'current', 2_000],
    ['expired', 'replaced', 2_000],
    ['expired', 'older', 2_000],
  ] as const)('is "%s" for the %s token at %i', (standing, given, receivedAt) => {
    expect(standingOf(tokens[given], session, receivedAt)).toBe(standing);
  });

  it('is the same for a session that an earlier release stored', () => {
    const stored = { tokenHash, refreshedAt: 1_000, expiresAt: 2_000 };
    expect(standingOf(token, stored, 1_500)).toBe('current');
    expect(standingOf(last.token, stored, 1_000)).toBe('overtaken');
    expect(standingOf(last.token, stored, 1_001)).toBe('reused');
  });
});

describe('a session', () => {
  it('continues from token to token', async () => {
    const { tokens, refresh } = await logIn();
    let { refreshToken } = tokens;
    for (let i = 0; i < 3; i++) {
      const next = await refresh(refreshToken);
      expect(next.refreshToken).not.toBe(refreshToken);
      expect(decodeJwt(next.accessToken).sid).toBe(decodeJwt(tokens.accessToken).sid);
      refreshToken = next.refreshToken;
    }
  });

  it('is stored without anything that can be used as a token', async () => {
    const { tokens, store } = await logIn();
    const kept = JSON.stringify(await store.sessions.get(String(decodeJwt(tokens.accessToken).sid)));
    const [, secret = ''] = tokens.refreshToken.split('.');
    expect(secret.length).toBeGreaterThanOrEqual(43);
    expect(kept).not.toContain(secret);
  });

  it('has the roles at the time of the refresh', async () => {
    const { account, administrators, tokens, refresh } = await logIn();
    await administrators.grant(account.id);
    expect(decodeJwt((await refresh(tokens.refreshToken)).accessToken).roles).toContain('admin');
  });

  it('ends, also for its newest token, when a token is used again, and logs whose it was', async () => {
    const { account, tokens, refresh, warnings } = await logIn();
    const second = await refresh(tokens.refreshToken);
    const third = await refresh(second.refreshToken);
    await expect(refresh(tokens.refreshToken)).rejects.toEqual(invalid);
    await expect(refresh(third.refreshToken)).rejects.toEqual(invalid);
    expect(warnings).toEqual([{ userId: account.id }]);
  });

  it('continues in each of ten tabs that send one token at the same time', async () => {
    const { time, sessions, tokens, refresh, warnings } = await logIn();
    const receivedAt = time.at + 1_000;
    time.at = receivedAt + 5;
    const send = () => sessions.refresh(tokens.refreshToken, receivedAt);
    const first = await Promise.all(Array.from({ length: 10 }, send));
    const all = [...first, await send()].map(({ refreshToken }) => refreshToken);
    expect(new Set(all).size).toBe(11);
    for (let round = 0; round < 2; round++) {
      for (const [tab, token] of all.entries()) all[tab] = (await refresh(token)).refreshToken;
    }
    expect(warnings).toEqual([]);
  });

  it.each([0, 1])('ends in all tabs when a token of tab %i is used again', async (tab) => {
    const { account, time, sessions, tokens, refresh, warnings } = await logIn();
    const send = () => sessions.refresh(tokens.refreshToken, time.at);
    const tabs = (await Promise.all([send(), send()])).map(({ refreshToken }) => refreshToken);
    const next = await refresh(tabs[tab] ?? '');
    await expect(refresh(tabs[tab] ?? '')).rejects.toEqual(invalid);
    await expect(refresh(tabs[1 - tab] ?? '')).rejects.toEqual(invalid);
    await expect(refresh(next.refreshToken)).rejects.toEqual(invalid);
    expect(warnings).toEqual([{ userId: account.id }]);
  });

  it('has a maximum number of tokens, of which the oldest make room', async () => {
    const { time, sessions, tokens, warnings } = await logIn();
    const receivedAt = time.at;
    const send = () => sessions.refresh(tokens.refreshToken, receivedAt);
    for (let tab = 0; tab <= maxOthers; tab++) await send();
    time.at += 1_999;
    await expect(send()).rejects.toEqual(invalid);
    time.at += 1;
    await expect(send()).resolves.toBeDefined();
    expect(warnings).toEqual([]);
  });

  it('ends the token that was issued first when there are too many, not one that was refreshed since', async () => {
    const { time, sessions, tokens, refresh } = await logIn();
    const receivedAt = time.at;
    const send = () => sessions.refresh(tokens.refreshToken, receivedAt);
    await send();
    const [first, second] = [await send(), await send()];
    for (let tab = 3; tab <= maxOthers; tab++) await send();
    const refreshed = await refresh(first.refreshToken);
    time.at += 2_000;
    await send();
    await expect(refresh(refreshed.refreshToken)).resolves.toBeDefined();
    await expect(refresh(second.refreshToken)).rejects.toEqual(invalid);
  });

  it('stores a bounded number of replaced tokens', async () => {
    const { tokens, refresh, store } = await logIn();
    let { refreshToken } = tokens;
    for (let round = 0; round < 20; round++) ({ refreshToken } = await refresh(refreshToken));
    const session = await store.sessions.get(String(decodeJwt(tokens.accessToken).sid));
    expect(session?.replaced).toHaveLength(16);
  });

  it('continues when an old token arrives that was sent before the last response', async () => {
    const { time, sessions, tokens, warnings } = await logIn();
    const second = await sessions.refresh(tokens.refreshToken, time.at);
    const sentAt = time.at;
    const third = await sessions.refresh(second.refreshToken, time.at);
    await expect(sessions.refresh(tokens.refreshToken, sentAt + 1)).rejects.toEqual(invalid);
    await expect(sessions.refresh(third.refreshToken, time.at)).resolves.toBeDefined();
    expect(warnings).toEqual([]);
  });

  it('continues for weeks in two tabs that share one token and refresh it at the same time', async () => {
    const { time, sessions, tokens, warnings } = await logIn();
    let { refreshToken } = tokens;
    for (let round = 0; round < 75; round++) {
      time.at += 300_000;
      const send = () => sessions.refresh(refreshToken, time.at);
      const tabs = await Promise.all([send(), send()]);
      refreshToken = tabs[round % 2]?.refreshToken ?? '';
    }
    expect(warnings).toEqual([]);
  });

  it('continues in both tabs when the second token is received before the first response is sent', async () => {
    const { time, sessions, tokens, refresh, warnings, before } = await logIn();
    const startedAt = time.at;
    let second: { refreshToken: string } | undefined;
    before('sessions.replace', async () => {
      time.at = startedAt + 50;
      before('sessions.replace', async () => {
        second = await sessions.refresh(tokens.refreshToken, startedAt + 50 + holdTime);
      });
    });
    const first = await sessions.refresh(tokens.refreshToken, startedAt);
    const third = await sessions.refresh(tokens.refreshToken, startedAt + 50 + holdTime);
    for (const each of [first, second, third]) {
      await expect(refresh(each?.refreshToken ?? '')).resolves.toBeDefined();
    }
    expect(warnings).toEqual([]);
  });

  it('ends when a token is received again right after the write that replaced it', async () => {
    const { account, time, sessions, tokens, warnings, before } = await logIn();
    before('sessions.replace', async () => {
      time.at += 50;
    });
    await sessions.refresh(tokens.refreshToken, time.at);
    await expect(sessions.refresh(tokens.refreshToken, time.at + 1)).rejects.toEqual(invalid);
    expect(warnings).toEqual([{ userId: account.id }]);
  });

  it('continues, and finds reuse a little later, when the time of the response cannot be stored', async () => {
    const { account, time, sessions, tokens, warnings, before } = await logIn();
    before('sessions.replace', async () => {
      before('sessions.replace', () => Promise.reject(problem('unavailable')));
    });
    await sessions.refresh(tokens.refreshToken, time.at);
    await sessions.refresh(tokens.refreshToken, time.at + longestWrite);
    expect(warnings).toEqual([]);
    await expect(sessions.refresh(tokens.refreshToken, time.at + longestWrite + 1)).rejects.toEqual(invalid);
    expect(warnings).toEqual([{ userId: account.id }]);
  });

  it('ends by a logout, with any of its tokens and however often', async () => {
    const { tokens, refresh, sessions } = await logIn();
    const second = await refresh(tokens.refreshToken);
    for (const token of [tokens.refreshToken, second.refreshToken, 'no token at all']) {
      await sessions.logOut(token);
    }
    await expect(refresh(second.refreshToken)).rejects.toEqual(invalid);
  });

  it('ends when it has not been refreshed for 30 days', async () => {
    const days = 24 * 3_600_000;
    const { tokens, sessions, time } = await logIn();
    let { refreshToken } = tokens;
    for (let i = 0; i < 2; i++) {
      time.at += 30 * days - 1;
      ({ refreshToken } = await sessions.refresh(refreshToken, time.at));
    }
    time.at += 30 * days;
    await expect(sessions.refresh(refreshToken, time.at)).rejects.toEqual(invalid);
  });

  it('ends with its account', async () => {
    const { account, accounts, tokens, refresh } = await logIn();
    await accounts.remove(account);
    await expect(refresh(tokens.refreshToken)).rejects.toEqual(invalid);
  });

  it('ends by a new password, unless it is the session that changed it', async () => {
    const { account, accounts, sessions, tokens, refresh } = await logIn();
    const other = await sessions.logIn(credentials, address);
    const proof = { currentPassword: credentials.password, address };
    const changed = await accounts.change(account, { password: 'battery staple' }, proof);
    await sessions.keep(String(decodeJwt(tokens.accessToken).sid), changed);
    await expect(refresh(other.refreshToken)).rejects.toEqual(invalid);
    await expect(refresh(tokens.refreshToken)).resolves.toBeDefined();
  });

  describe('that changed the password', () => {
    async function withNewPassword() {
      const parts = await logIn();
      const sid = String(decodeJwt(parts.tokens.accessToken).sid);
      const change = async () => {
        const proof = { currentPassword: credentials.password, address };
        const changed = await parts.accounts.change(parts.account, { password: 'battery staple' }, proof);
        await parts.sessions.keep(sid, changed);
      };
      return { ...parts, sid, change };
    }

    it('continues when it is refreshed right before the new password is stored in it', async () => {
      const { store, sid, change, refresh, before } = await withNewPassword();
      const { token, tokenHash } = newRefreshToken(sid);
      before('sessions.replace', async () => {
        const session = await store.sessions.get(sid);
        if (!session) return;
        await store.sessions.replace({
          next: { ...session, tokenHash, version: session.version + 1 },
          events: [],
        });
      });
      await change();
      await expect(refresh(token)).resolves.toBeDefined();
    });

    it('continues when the new password is stored in it while it is refreshed', async () => {
      const { tokens, change, refresh, before } = await withNewPassword();
      before('sessions.replace', change);
      const next = await refresh(tokens.refreshToken);
      await expect(refresh(next.refreshToken)).resolves.toBeDefined();
    });

    it('continues when a refresh reads it before the new password is stored in it, and the account after that', async () => {
      const { tokens, change, refresh, before } = await withNewPassword();
      before('accounts.get', change);
      await expect(refresh(tokens.refreshToken)).rejects.toEqual(invalid);
      await expect(refresh(tokens.refreshToken)).resolves.toBeDefined();
    });
  });

  it('of another account does not survive a new password', async () => {
    const { account, sessions, store, tokens } = await logIn();
    const sid = String(decodeJwt(tokens.accessToken).sid);
    await sessions.keep(sid, { ...account, id: 'another', passwordVersion: 9 });
    expect(await store.sessions.get(sid)).toMatchObject({ passwordVersion: 1 });
  });

  it('is kept with the newest password that it has seen, and not at all if it has ended', async () => {
    const { account, sessions, store, tokens } = await logIn();
    const sid = String(decodeJwt(tokens.accessToken).sid);
    for (const passwordVersion of [3, 3, 2]) await sessions.keep(sid, { ...account, passwordVersion });
    expect(await store.sessions.get(sid)).toMatchObject({ passwordVersion: 3, version: 2 });
    await sessions.logOut(tokens.refreshToken);
    await sessions.keep(sid, { ...account, passwordVersion: 4 });
    expect(await store.sessions.get(sid)).toBeUndefined();
  });

  it('is confirmed until it ends', async () => {
    const { account, sessions, tokens, time } = await logIn();
    const sid = String(decodeJwt(tokens.accessToken).sid);
    const ended = { code: 'unauthenticated', status: 401 };
    time.at += 30 * 24 * 3_600_000 - 1;
    await sessions.confirm(sid, account);
    for (const id of [undefined, 'unknown']) {
      await expect(sessions.confirm(id, account)).rejects.toMatchObject(ended);
    }
    for (const other of [{ id: 'another' }, { passwordVersion: 2 }]) {
      await expect(sessions.confirm(sid, { ...account, ...other })).rejects.toMatchObject(ended);
    }
    time.at += 1;
    await expect(sessions.confirm(sid, account)).rejects.toMatchObject(ended);
  });

  it('that never existed is rejected', async () => {
    const { refresh } = await logIn();
    for (const token of ['', '.', 'nothing', newRefreshToken('unknown').token]) {
      await expect(refresh(token)).rejects.toEqual(invalid);
    }
  });
});
