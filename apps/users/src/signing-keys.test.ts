import { createKeyFinder } from '@slipway/platform/http/published-keys';
import { createTokenVerifier } from '@slipway/platform/http/tokens';
import { describe, expect, it } from 'vitest';
import {
  isRotationDue,
  type KeyRing,
  publishedAhead,
  publishedFor,
  publishedKeys,
  rotateEvery,
  type SigningKey,
  signingKey,
  tokenLifetime,
  withKey,
} from './signing-keys.ts';
import { openParts } from './testing/service.ts';

const keyOf = (kid: string, signsFrom: number): SigningKey => ({
  kid,
  publicKey: { kty: 'OKP', crv: 'Ed25519', x: '', kid, alg: 'EdDSA', use: 'sig' },
  privateKey: {},
  createdAt: signsFrom,
  signsFrom,
});
const ringOf = (...signsFrom: number[]): KeyRing => ({
  id: 'key ring',
  keys: signsFrom.map((at, index) => keyOf(`key ${index}`, at)),
  version: 1,
});
const kids = (keys: SigningKey[]) => keys.map(({ kid }) => kid);

describe('a key ring', () => {
  it('signs with the newest key that may sign', () => {
    const ring = ringOf(0, 1_000, 2_000);
    expect(kids([0, 999, 1_000, 2_000].map((now) => signingKey(ring, now)))).toEqual([
      'key 0',
      'key 0',
      'key 1',
      'key 2',
    ]);
  });

  it('signs with its first key on a replica whose clock is behind', () => {
    expect(signingKey(ringOf(1_000), 0).kid).toBe('key 0');
  });

  it('signs nothing without a key', () => {
    expect(() => signingKey(ringOf(), 0)).toThrow('The key ring is empty');
  });

  it('publishes a key before it signs, and until its last token has expired', () => {
    const ring = ringOf(0, 1_000_000);
    const lastExpiry = 1_000_000 + tokenLifetime * 1_000;
    expect(kids(publishedKeys(ring, 0))).toEqual(['key 0', 'key 1']);
    expect(kids(publishedKeys(ring, lastExpiry))).toEqual(['key 0', 'key 1']);
    expect(kids(publishedKeys(ring, lastExpiry + 60_000))).toEqual(['key 1']);
  });

  it('lets its first key sign immediately, and any other once every verifier can have it', () => {
    const first = withKey({ id: 'key ring', keys: [], version: 0 }, keyOf('a', 0), 5_000);
    expect(first).toMatchObject({ keys: [{ kid: 'a', signsFrom: 5_000 }], version: 1 });
    const second = withKey(first, keyOf('b', 0), 6_000);
    expect(second).toMatchObject({
      keys: [{ kid: 'a' }, { kid: 'b', signsFrom: 6_000 + publishedAhead }],
      version: 2,
    });
  });

  it('drops keys that no token needs when a key is added', () => {
    const ring = withKey(ringOf(0, 1_000), keyOf('new', 0), 10_000_000);
    expect(kids(ring.keys)).toEqual(['key 1', 'new']);
  });

  it('is due for a new key if it has none, or only old ones', () => {
    const due = [ringOf(), ringOf(0), ringOf(0, 1)].map((ring) => isRotationDue(ring, rotateEvery));
    expect(due).toEqual([true, true, false]);
  });
});

/** A service elsewhere that verifies tokens, reading the keys through a cache of its own. */
function verifierOf({ keys, time }: Awaited<ReturnType<typeof openParts>>) {
  const cached = { keys: [] as Awaited<ReturnType<typeof keys.published>>, at: Number.NEGATIVE_INFINITY };
  const read = async () => {
    if (time.at - cached.at >= publishedFor * 1_000) {
      Object.assign(cached, { keys: await keys.published(), at: time.at });
    }
    return { keys: cached.keys };
  };
  return createTokenVerifier(
    createKeyFinder(read, () => time.at),
    () => time.at,
  );
}

describe('signing keys', () => {
  const claims = { roles: ['member'], sid: 'session' };

  it('sign tokens that every service can verify, and that expire in five minutes', async () => {
    const parts = await openParts();
    const verify = verifierOf(parts);
    const token = await parts.keys.sign('ada', claims);
    expect(await verify(token)).toEqual({
      ...{ subject: 'ada', roles: ['member'], session: 'session', issuedAt: parts.time.at },
    });
    parts.time.at += tokenLifetime * 1_000;
    await expect(verify(token)).rejects.toMatchObject({ code: 'token_expired' });
  });

  it('rotate without a rejected token in any service, in any second', async () => {
    const parts = await openParts();
    const { keys, time } = parts;
    const verify = verifierOf(parts);
    const alive: { token: string; until: number }[] = [];
    const signers = new Set<string>();
    const start = time.at;
    for (; time.at < start + 900_000; time.at += 1_000) {
      // The worst case: the verifier read the keys a second ago, and will not do so again for a while.
      if (time.at === start + 302_000) await keys.rotate();
      const token = await keys.sign('ada', claims);
      signers.add(token.split('.')[0] ?? '');
      alive.push({ token, until: time.at + tokenLifetime * 1_000 });
      while (alive[0] && alive[0].until <= time.at) alive.shift();
      await expect(verify(token)).resolves.toBeDefined();
      const oldest = alive[0]?.token ?? token;
      await expect(verifierOf(parts)(oldest)).resolves.toBeDefined();
    }
    expect(signers.size).toBe(2);
    expect(await keys.published()).toHaveLength(1);
  });

  it('are replaced when they are old, and not before', async () => {
    const { keys, time } = await openParts();
    const [first] = await keys.published();
    time.at += rotateEvery - 1;
    await keys.rotateIfDue();
    expect(await keys.published()).toEqual([first]);
    time.at += 1;
    await Promise.all([keys.rotateIfDue(), keys.rotateIfDue()]);
    const [old, fresh] = await keys.published();
    expect(old).toEqual(first);
    expect(fresh?.kid).not.toBe(first?.kid);
    expect(await keys.published()).toEqual([old, fresh]);
  });

  it('are the same for two replicas that start or rotate at the same time', async () => {
    const { keys } = await openParts();
    const [one, two] = await Promise.all([keys.published(), keys.published()]);
    expect(one).toEqual(two);
    const rotated = await Promise.all([keys.rotate(), keys.rotate()]);
    expect(rotated[0]).toEqual(rotated[1]);
    expect(await keys.published()).toHaveLength(2);
  });

  it('are never published with their private part', async () => {
    const { keys, store } = await openParts();
    const [published] = await keys.published();
    const [kept] = (await store.keyRing.get('key ring'))?.keys ?? [];
    expect(kept?.privateKey.d).toMatch(/^[\w-]{43}$/);
    expect(Object.keys(published ?? {}).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  });
});
