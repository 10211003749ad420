import { problem } from '@slipway/contracts/errors';
import { mayAccess } from '@slipway/platform/http/access';
import type { Principal } from '@slipway/platform/http/tokens';

/**
 * Passes on what belongs to the caller. What belongs to another person is answered like what does not exist, so
 * that nobody learns which ids are in use.
 *
 * @throws {Problem} not_found
 */
export function visible<T extends { userId: string }>(principal: Principal, found: T | undefined): T {
  if (found && mayAccess(principal, found.userId)) return found;
  throw problem('not_found');
}

/**
 * Whose items a list shows: the caller's, or everyone's (`undefined`) if an administrator asks for all.
 *
 * @throws {Problem} forbidden
 */
export function ownerIn({ subject, roles }: Principal, all = false): string | undefined {
  if (!all) return subject;
  if (roles.includes('admin')) return undefined;
  const fields = [{ field: 'query.all', message: 'is for administrators only' }];
  throw problem('forbidden', undefined, { fields });
}
