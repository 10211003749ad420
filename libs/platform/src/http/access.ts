import type { Operation } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyRequest } from 'fastify';
import type { App } from '../core/app.ts';
import { bearerTokenOf } from './bearer.ts';
import { isSameSecret } from './secret.ts';
import type { Principal, TokenVerifier } from './tokens.ts';

export type AccessOptions = {
  verify: TokenVerifier;
  /** The secret that other services send to operations with `access: 'service'`; without it, these reject every call. */
  serviceToken?: string;
  /** The secret that a job sends to operations with `jobs`; without it, these reject jobs. */
  jobToken?: string;
};

/** A job, which is no person and has no role. */
const job: Principal = { subject: 'job', roles: [] };

/**
 * Rejects a request to any route that is registered after this call, unless its caller has the access that the route's
 * contract requires. A route without `access` is an error at start, so that no route is public by mistake.
 */
export function registerAccess(app: App, { verify, serviceToken, jobToken }: AccessOptions): void {
  app.decorateRequest('principal', null);
  app.addHook('onRoute', (route) => {
    const { access, jobs } = (route.config ?? {}) as Partial<Operation['config']>;
    if (access === undefined) throw new Error(`${route.method} ${route.url} does not say who may call it`);
    if (access === 'public') return;
    const check = access === 'service' ? checkService : checkPerson(access, jobs ? jobToken : undefined);
    route.onRequest = [check, ...[route.onRequest ?? []].flat()];
  });

  async function checkService(request: FastifyRequest): Promise<void> {
    if (!serviceToken || !isSameSecret(requireToken(request), serviceToken)) throw problem('unauthenticated');
  }

  function checkPerson(access: 'member' | 'admin', jobToken?: string) {
    return async (request: FastifyRequest): Promise<void> => {
      const token = requireToken(request);
      if (jobToken && isSameSecret(token, jobToken)) {
        request.setDecorator('principal', job);
        return;
      }
      const principal = await verify(token);
      request.setDecorator('principal', principal);
      if (access === 'admin' && !principal.roles.includes('admin')) throw problem('forbidden');
    };
  }
}

function requireToken({ headers }: FastifyRequest): string {
  const token = bearerTokenOf(headers);
  if (token !== undefined) return token;
  throw problem('unauthenticated', 'Send the header Authorization: Bearer <access token>', {
    fields: [{ field: 'header.authorization', message: 'must be a bearer token' }],
  });
}

/** Returns the person or job that sent a request. Only for routes with the access `member` or `admin`. */
export function principalOf(request: FastifyRequest): Principal {
  return request.getDecorator<Principal>('principal');
}

/** Returns whether a person may access what belongs to `owner`: the owner and administrators may. */
export function mayAccess({ subject, roles }: Principal, owner: string): boolean {
  return subject === owner || roles.includes('admin');
}
