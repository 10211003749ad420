import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { problem } from '@slipway/contracts/errors';
import { BulkheadRejectedError, bulkhead } from 'cockatiel';

/** The cost of one hash: KiB of memory, passes over it, lanes. */
export type Cost = { memory: number; passes: number; parallelism: number };

/** The minimum that OWASP's Password Storage Cheat Sheet recommends for argon2id: 19 MiB, 2 passes, 1 lane. */
export const recommendedCost: Cost = { memory: 19_456, passes: 2, parallelism: 1 };

/** Lengths in bytes (RFC 9106, sections 3.1 and 4). */
const saltLength = 16;
const tagLength = 32;

/** Maximum number of concurrent hashes: they run on libuv's four threads, and one is left to files and DNS. */
const maxRunning = Math.min(3, availableParallelism());
/** Maximum number of waiting hashes; more are rejected. */
const maxWaiting = 64;

type DeriveParameters = Argon2Parameters & { nonce: Buffer };
export type Derive = (parameters: DeriveParameters) => Promise<Buffer>;

const argon2id: Derive = (parameters) => promisify(argon2)('argon2id', parameters);

export type Passwords = ReturnType<typeof createPasswords>;

/**
 * Creates the operations on passwords, which are hashed with argon2id. They use at most 3 × 19 MiB of memory, however
 * many people log in.
 *
 * @example
 * const passwords = createPasswords();
 * await passwords.verify('tr0ub4dor&3', await passwords.hash('tr0ub4dor&3')); // true
 */
export function createPasswords(cost: Cost = recommendedCost, derive: Derive = argon2id) {
  const slots = bulkhead(maxRunning, maxWaiting);
  /**
   * The hash of every account that does not exist, so that the check takes the same time. Its tag is random, so no
   * password matches.
   */
  const nobody = encode({ cost, salt: randomBytes(saltLength), tag: randomBytes(tagLength) });

  return {
    /** Returns how many passwords are being hashed or checked, and how many wait. */
    load: () => ({ running: maxRunning - slots.executionSlots, waiting: maxWaiting - slots.queueSlots }),

    /**
     * Returns the PHC string to store: `$argon2id$v=19$m=…,t=…,p=…$salt$tag`.
     *
     * @throws {Problem} overloaded
     */
    async hash(password: string): Promise<string> {
      const salt = randomBytes(saltLength);
      return encode({ cost, salt, tag: await tagOf(password, cost, salt, tagLength) });
    },

    /**
     * Returns whether a password matches a hash; `false` without a hash, after the same time.
     *
     * @throws {Problem} overloaded
     */
    async verify(password: string, hash: string | undefined): Promise<boolean> {
      const stored = decode(hash ?? nobody);
      const tag = await tagOf(password, stored.cost, stored.salt, stored.tag.length);
      return timingSafeEqual(tag, stored.tag);
    },

    /** Returns whether a hash has another cost than new hashes, and should be replaced. */
    isOutdated(hash: string): boolean {
      const { memory, passes, parallelism } = decode(hash).cost;
      return memory !== cost.memory || passes !== cost.passes || parallelism !== cost.parallelism;
    },
  };

  async function tagOf(password: string, at: Cost, nonce: Buffer, length: number): Promise<Buffer> {
    // Keyboards differ in how they encode an accent: NIST SP 800-63B section 5.1.1.2.
    const message = password.normalize('NFKC');
    try {
      return await slots.execute(() => derive({ ...at, message, nonce, tagLength: length }));
    } catch (error) {
      if (!(error instanceof BulkheadRejectedError)) throw error;
      throw problem('overloaded', 'Too many passwords are being checked right now', {
        retryAfter: 1,
        cause: error,
      });
    }
  }
}

type Hash = { cost: Cost; salt: Buffer; tag: Buffer };

function encode({ cost: { memory, passes, parallelism }, salt, tag }: Hash): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;
}

/** The PHC string format has base64 without padding. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

const phcString = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/;

function decode(hash: string): Hash {
  const [, memory, passes, parallelism, salt, tag] = phcString.exec(hash) ?? [];
  if (!salt || !tag) throw new Error('A stored password hash is not an argon2id PHC string');
  return {
    cost: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
}
