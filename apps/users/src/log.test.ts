import { describe, expect, it } from 'vitest';
import { admin, startUsers } from './testing/service.ts';

const me = '/api/v1/users/me';

describe('the log of users', () => {
  it('has a line for each request of a journey, and none of its secrets', async () => {
    const lines: string[] = [];
    const users = await startUsers({ LOG_LEVEL: 'trace' }, lines);
    const { email, password, token, refreshToken } = await users.newPerson('Augusta');
    await users.send('PATCH', me, {
      token,
      body: { name: 'Byron', email: 'moved@example.com', currentPassword: password },
    });
    await users.send('PATCH', me, {
      token,
      body: { password: 'battery staple', currentPassword: 'a wrong one' },
    });
    await users.send('POST', '/api/v1/users', {
      body: { email: 'moved@example.com', password, name: 'Twin' },
    });
    await users.send('POST', '/api/v1/users', {
      body: { email: 'not@@valid', password: 'short', name: 'Typo' },
    });
    const { body } = await users.send('POST', '/api/v1/sessions/refresh', { body: { refreshToken } });
    const rotatedBy = Date.now();
    while (Date.now() <= rotatedBy) await new Promise(setImmediate);
    await users.send('POST', '/api/v1/sessions/refresh', { body: { refreshToken } });
    await users.send('GET', me, { token: `${token}x` });
    await users.send('DELETE', me, { token, body: { currentPassword: password } });
    await users.app.close();

    const log = lines.join('');
    expect(lines.filter((line) => line.includes('"msg":"request"')).length).toBeGreaterThanOrEqual(9);
    expect(log).toContain('refresh token reused');
    const secrets = [
      ...[email, 'moved@example.com', 'not@@valid', admin.email, 'Augusta', 'Byron'],
      ...[password, 'battery staple', 'a wrong one', 'short', admin.password, 'secret-between-services'],
      ...[token, refreshToken, body.accessToken, body.refreshToken],
    ];
    for (const secret of secrets) expect(log).not.toContain(secret);
  });
});
