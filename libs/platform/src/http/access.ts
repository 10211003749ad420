import { timingSafeEqual } from 'node:crypto';
import type { Access } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyRequest } from 'fastify';
import type { App } from '../core/app.ts';
import type { Principal, TokenVerifier } from './tokens.ts';

type AccessOptions = {
  verify: TokenVerifier;
  /** The secret that other services present for operations with `access: 'service'`. */
  serviceToken?: string;
};

/**
 * Lets a request through to the routes registered after it only if its caller has the access that the
 * route's contract names. A route that names none stops the start: nothing is open by oversight.
 */
export function registerAccess(app: App, { verify, serviceToken }: AccessOptions): void {
  app.decorateRequest('principal', null);
  app.addHook('onRoute', (route) => {
    const { access } = (route.config ?? {}) as { access?: Access };
    if (access === undefined) throw new Error(`${route.method} ${route.url} does not say who may call it`);
    if (access === 'public') return;
    const check = access === 'service' ? checkService : checkPerson(access);
    route.onRequest = [check, ...[route.onRequest ?? []].flat()];
  });

  async function checkService(request: FastifyRequest): Promise<void> {
    if (!serviceToken || !isSame(bearerOf(request), serviceToken)) throw problem('unauthenticated');
  }

  function checkPerson(access: 'member' | 'admin') {
    return async (request: FastifyRequest): Promise<void> => {
      const principal = await verify(bearerOf(request));
      request.setDecorator('principal', principal);
      if (access === 'admin' && !principal.roles.includes('admin')) throw problem('forbidden');
    };
  }
}

function bearerOf(request: FastifyRequest): string {
  const [scheme, token] = request.headers.authorization?.split(' ') ?? [];
  if (scheme?.toLowerCase() !== 'bearer' || !token) {
    throw problem('unauthenticated', 'Send the header Authorization: Bearer <access token>', {
      fields: [{ field: 'header.authorization', message: 'must be a bearer token' }],
    });
  }
  return token;
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The person a request acts for. Only for routes whose access is `member` or `admin`. */
export function principalOf(request: FastifyRequest): Principal {
  return request.getDecorator<Principal>('principal');
}

/** Whether the caller may see what belongs to `owner`: its owner and administrators may. */
export function mayAccess({ subject, roles }: Principal, owner: string): boolean {
  return subject === owner || roles.includes('admin');
}
