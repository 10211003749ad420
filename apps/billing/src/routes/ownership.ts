import { problem } from '@slipway/contracts/errors';
import { mayAccess } from '@slipway/platform/http/access';
import type { Principal } from '@slipway/platform/http/tokens';

/**
 * Returns a resource that the caller may access. A resource of another person causes the same error as one that does
 * not exist, so that callers cannot find out which ids are in use.
 *
 * @throws {Problem} not_found
 */
export function visible<T extends { userId: string }>(principal: Principal, found: T | undefined): T {
  if (found && mayAccess(principal, found.userId)) return found;
  throw problem('not_found');
}

/**
 * Returns the user whose resources a list includes: the caller, or `undefined` (everyone) if an administrator asks for
 * all.
 *
 * @throws {Problem} forbidden
 */
export function ownerIn({ subject, roles }: Principal, all = false): string | undefined {
  if (!all) return subject;
  if (roles.includes('admin')) return undefined;
  const fields = [{ field: 'query.all', message: 'is for administrators only' }];
  throw problem('forbidden', undefined, { fields });
}
