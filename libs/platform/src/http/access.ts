import type { Operation } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyRequest, onRequestHookHandler } from 'fastify';
import type { App } from '../core/app.ts';
import { contextOf } from '../telemetry/observe.ts';
import { bearerTokenOf } from './bearer.ts';
import { isSameSecret } from './secret.ts';
import type { CachingVerifier, Principal, TokenVerifier } from './tokens.ts';

export type AccessOptions = {
  verify: TokenVerifier & Partial<CachingVerifier>;
  /** The secret that other services send to operations with `access: 'service'`; without it, these reject every call. */
  serviceToken?: string;
};

/**
 * Rejects a request to any route that is registered after this call, unless its caller has the access that the route's
 * contract requires. A route without `access` is an error at start, so that no route is public by mistake.
 */
export function registerAccess(app: App, { verify, serviceToken }: AccessOptions): void {
  app.decorateRequest('principal', null);
  app.addHook('onRoute', (route) => {
    const { access } = (route.config ?? {}) as Partial<Operation['config']>;
    if (access === undefined) throw new Error(`${route.method} ${route.url} does not say who may call it`);
    if (access === 'public') return;
    const check = access === 'service' ? checkService : checkPerson(access);
    route.onRequest = [check, ...[route.onRequest ?? []].flat()];
  });

  async function checkService(request: FastifyRequest): Promise<void> {
    if (!serviceToken || !isSameSecret(requireToken(request), serviceToken)) throw problem('unauthenticated');
  }

  function checkPerson(access: 'member' | 'admin'): onRequestHookHandler {
    // A promise for each request would cost more than looking up a token whose verification is cached.
    return (request, _reply, done) => {
      const token = requireToken(request);
      const admit = (principal: Principal) => {
        request.setDecorator('principal', principal);
        if (principal.roles.includes('admin')) storeTrace(request);
        if (access === 'admin' && !principal.roles.includes('admin')) done(problem('forbidden'));
        else done();
      };
      const cached = verify.cached?.(token);
      if (cached) admit(cached);
      else verify(token).then(admit, done);
    };
  }
}

/** Stores the trace of an administrator's request for the console. */
function storeTrace(request: FastifyRequest): void {
  const context = contextOf(request);
  if (context) context.storeForAdministrator?.(context);
}

function requireToken({ headers }: FastifyRequest): string {
  const token = bearerTokenOf(headers);
  if (token !== undefined) return token;
  throw problem('unauthenticated', 'Send the header Authorization: Bearer <access token>', {
    fields: [{ field: 'header.authorization', message: 'must be a bearer token' }],
  });
}

/** Returns the person who sent a request. Only for routes with the access `member` or `admin`. */
export function principalOf(request: FastifyRequest): Principal {
  return request.getDecorator<Principal>('principal');
}

/** Returns whether a person may access what belongs to `owner`: the owner and administrators may. */
export function mayAccess({ subject, roles }: Principal, owner: string): boolean {
  return subject === owner || roles.includes('admin');
}
