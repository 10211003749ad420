import { problem } from '@slipway/contract-kit/problem';
import Fastify, { type FastifyInstance } from 'fastify';
import { beforeEach, describe, expect, it } from 'vitest';
import type { App } from '../core/app.ts';
import { mayAccess, principalOf, registerAccess } from './access.ts';
import { registerProblemResponses } from './problem-responses.ts';

const serviceToken = 'a-secret-between-services';
const principals: Record<string, string[]> = {
  'token-of-member': ['member'],
  'token-of-admin': ['member', 'admin'],
};

async function verify(token: string) {
  const roles = principals[token];
  if (!roles) throw problem('unauthenticated');
  return { subject: token, roles };
}

function createApp(options: { serviceToken?: string }) {
  const app = Fastify();
  registerProblemResponses(app);
  registerAccess(app as unknown as App, { verify, ...options });
  for (const access of ['member', 'admin'] as const) {
    app.get(`/${access}`, { config: { access } }, async (request) => principalOf(request).subject);
  }
  for (const access of ['public', 'service'] as const) {
    app.get(`/${access}`, { config: { access } }, async () => 'reached');
  }
  return app;
}

let app: FastifyInstance;
beforeEach(() => {
  app = createApp({ serviceToken });
});

async function status(url: string, authorization?: string) {
  const answer = await app.inject({ url, headers: { ...(authorization && { authorization }) } });
  return answer.statusCode;
}

describe('access', () => {
  it('is open where the contract says so, with or without a token', async () => {
    expect(await status('/public')).toBe(200);
    expect(await status('/public', 'Bearer made-up')).toBe(200);
  });

  it('requires a valid token where the contract requires a person', async () => {
    expect(await status('/member')).toBe(401);
    expect(await status('/member', 'Bearer made-up')).toBe(401);
    expect(await status('/member', 'Bearer token-of-member')).toBe(200);
    expect(await status('/member', 'bearer token-of-member')).toBe(200);
  });

  it.each(['', 'token-of-member', 'Basic token-of-member', 'Bearer', 'Bearer  '])(
    'names the header when it holds %j',
    async (authorization) => {
      const answer = await app.inject({ url: '/member', headers: { authorization } });
      expect(answer.statusCode).toBe(401);
      expect(answer.json().errors).toEqual([
        { field: 'header.authorization', message: 'must be a bearer token' },
      ]);
    },
  );

  it('requires the role where the contract requires an administrator', async () => {
    expect(await status('/admin')).toBe(401);
    expect(await status('/admin', 'Bearer token-of-member')).toBe(403);
    expect(await status('/admin', 'Bearer token-of-admin')).toBe(200);
  });

  it('requires the same of HEAD as of GET', async () => {
    const head = await app.inject({ method: 'HEAD', url: '/admin' });
    expect(head.statusCode).toBe(401);
  });

  it('opens operations for services to the service token only', async () => {
    expect(await status('/service')).toBe(401);
    expect(await status('/service', 'Bearer token-of-admin')).toBe(401);
    expect(await status('/service', `Bearer ${serviceToken.replace('a', 'b')}`)).toBe(401);
    expect(await status('/service', `Bearer ${serviceToken}`)).toBe(200);
  });

  it('opens operations for services to nobody while no service token is set', async () => {
    app = createApp({});
    expect(await status('/service', 'Bearer undefined')).toBe(401);
    expect(await status('/service', 'Bearer ')).toBe(401);
  });

  it('fails the start of a service with a route that does not say who may call it', () => {
    expect(() => app.get('/forgotten', async () => 'open')).toThrow(
      'GET /forgotten does not say who may call it',
    );
  });

  it('hands the person who sent the request to the route', async () => {
    const answer = await app.inject({ url: '/member', headers: { authorization: 'Bearer token-of-admin' } });
    expect(answer.body).toBe('token-of-admin');
  });
});

describe('what belongs to someone', () => {
  it('may be seen by its owner and by administrators', () => {
    expect(mayAccess({ subject: 'ada', roles: ['member'] }, 'ada')).toBe(true);
    expect(mayAccess({ subject: 'bob', roles: ['member'] }, 'ada')).toBe(false);
    expect(mayAccess({ subject: 'bob', roles: ['admin'] }, 'ada')).toBe(true);
  });
});
