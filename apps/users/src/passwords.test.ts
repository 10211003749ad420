import { describe, expect, it } from 'vitest';
import { createPasswords, type Derive, recommendedCost } from './passwords.ts';
import { cheapPasswords } from './testing/service.ts';

/** Counts hashes instead of timing them, and holds them back until told. */
function counting() {
  const calls: Parameters<Derive>[0][] = [];
  let running = 0;
  const most = { running: 0 };
  const derive = async (parameters: Parameters<Derive>[0]) => {
    calls.push(parameters);
    running += 1;
    most.running = Math.max(most.running, running);
    await new Promise(setImmediate);
    running -= 1;
    return Buffer.alloc(parameters.tagLength);
  };
  return { calls, most, derive };
}

describe('passwords', () => {
  it('are hashed to an argon2id PHC string at the cost that OWASP recommends', async () => {
    const hash = await createPasswords().hash('correct horse');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(recommendedCost).toEqual({ memory: 19_456, passes: 2, parallelism: 1 });
  });

  it('match a hash of the reference implementation', async () => {
    // From the test suite of the reference implementation, phc-winner-argon2, src/test.c.
    const hash = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await createPasswords().verify('password', hash)).toBe(true);
    expect(await createPasswords().verify('Password', hash)).toBe(false);
  });

  it('have another hash each time, and match each of them', async () => {
    const passwords = cheapPasswords();
    const hashes = [await passwords.hash('same'), await passwords.hash('same')];
    expect(hashes[0]).not.toBe(hashes[1]);
    for (const hash of hashes) expect(await passwords.verify('same', hash)).toBe(true);
  });

  it('are the same however a keyboard encodes an accent', async () => {
    const passwords = cheapPasswords();
    expect(await passwords.verify('cafe\u0301', await passwords.hash('caf\u00e9'))).toBe(true);
  });

  it('take the same work for an unknown account as for a known one', async () => {
    const { calls, derive } = counting();
    const passwords = createPasswords(recommendedCost, derive);
    const hash = await passwords.hash('right');
    calls.length = 0;
    await passwords.verify('wrong', hash);
    expect(await passwords.verify('wrong', undefined)).toBe(false);
    const [known, unknown] = calls.map(({ nonce, ...cost }) => ({ ...cost, nonce: nonce.byteLength }));
    expect(calls).toHaveLength(2);
    expect(unknown).toEqual(known);
  });

  it('are not rejected as too many when their hash fails for another reason', async () => {
    const passwords = createPasswords(recommendedCost, () => Promise.reject(new Error('out of memory')));
    await expect(passwords.hash('password')).rejects.toThrow('out of memory');
  });

  it('are not checked against a stored value that is no hash', async () => {
    const stored = cheapPasswords().verify('password', 'password');
    await expect(stored).rejects.toThrow('A stored password hash is not an argon2id PHC string');
  });

  it('have an outdated hash after the cost has changed', async () => {
    const old = await createPasswords({ memory: 8, passes: 1, parallelism: 1 }).hash('old');
    const costs = [
      { memory: 16, passes: 1, parallelism: 1 },
      { memory: 8, passes: 2, parallelism: 1 },
      { memory: 8, passes: 1, parallelism: 2 },
      { memory: 8, passes: 1, parallelism: 1 },
    ];
    expect(costs.map((cost) => createPasswords(cost).isOutdated(old))).toEqual([true, true, true, false]);
    expect(await createPasswords().verify('old', old)).toBe(true);
  });

  it('are hashed a few at a time under overload, and rejected beyond the queue', async () => {
    const { calls, most, derive } = counting();
    const passwords = createPasswords(recommendedCost, derive);
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, () => passwords.hash('storm')));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(most.running).toBeLessThanOrEqual(3);
    expect(calls.length + refused.length).toBe(200);
    expect(refused[0]).toMatchObject({ reason: { code: 'overloaded', status: 503, retryAfter: 1 } });
    await expect(passwords.hash('after the storm')).resolves.toContain('$argon2id$');
  });
});
