import type { IncomingMessage } from 'node:http';
import Fastify from 'fastify';
import { expect, it } from 'vitest';
import type { App } from '../core/app.ts';
import { currentContext, timeLeft, withContext } from '../core/request-context.ts';
import { requestWith } from '../testing/request-context.ts';
import { createTokenSigner } from '../testing/tokens.ts';
import { principalOf } from './access.ts';
import { type AuthenticationOptions, registerAuthentication } from './authentication.ts';
import type { ClientOf } from './client-identity.ts';
import { registerProblemResponses } from './problem-responses.ts';

const { keySet, tokenFor } = await createTokenSigner();
const token = await tokenFor('ada', 'member');

function createApp(options: Partial<AuthenticationOptions> = {}) {
  const app = Fastify();
  let clientOf: ClientOf = () => 'nobody asked';
  registerProblemResponses(app);
  registerAuthentication(app as unknown as App, {
    readKeys: async () => keySet,
    shareBy: (given) => {
      clientOf = given;
    },
    ...options,
  });
  for (const access of ['member', 'admin'] as const) {
    app.get(`/${access}`, { config: { access } }, async (request) => principalOf(request));
  }
  app.get('/service', { config: { access: 'service' } }, async () => 'reached');
  const get = (url: string, bearer = token) =>
    app.inject({ url, headers: { authorization: `Bearer ${bearer}` } });
  const request = { headers: { authorization: `Bearer ${token}` } } as IncomingMessage;
  return { get, sharesAs: () => clientOf(request) };
}

it('a person with a token of the published keys is let in with the roles of the token', async () => {
  const { get } = createApp();
  expect((await get('/member')).json()).toMatchObject({ subject: 'ada', roles: ['member'] });
  expect((await get('/admin')).statusCode).toBe(403);
  expect((await get('/member', 'made-up')).statusCode).toBe(401);
});

it('the service is shared by the person, as soon as their token was verified once', async () => {
  const { get, sharesAs } = createApp();
  expect(sharesAs()).toBe('');
  await get('/member');
  expect(sharesAs()).toBe('subject ada');
});

it('the keys are read without the deadline and the calls of the client whose token needs them: others wait for them, too', async () => {
  let seen: unknown;
  const { get } = createApp({
    readKeys: async () => {
      seen = { left: timeLeft(5_000), share: currentContext()?.share };
      return keySet;
    },
  });
  const share = { priority: 'interactive' as const, client: () => 'subject ada' };
  await withContext({ ...requestWith(15), share }, async () => await get('/member'));
  expect(seen).toEqual({ left: 5_000, share: undefined });
});

it('another service is let in by the service token', async () => {
  const { get } = createApp({ serviceToken: 'secret' });
  expect((await get('/service', 'secret')).statusCode).toBe(200);
  expect((await get('/service')).statusCode).toBe(401);
});

it('current roles count instead of those in the token, at each request', async () => {
  const roles: Record<string, string[]> = { ada: ['member', 'admin'] };
  const { get } = createApp({ currentAccess: async (subject) => ({ roles: roles[subject] ?? [] }) });
  expect((await get('/admin')).statusCode).toBe(200);
  roles.ada = [];
  expect((await get('/admin')).statusCode).toBe(403);
});
