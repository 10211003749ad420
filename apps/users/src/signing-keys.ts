import type { PublicKey } from '@slipway/contracts/users';
import { tokenAudience, tokenIssuer } from '@slipway/platform/http/tokens';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';

/** An Ed25519 key pair that signs access tokens. Times are milliseconds since the epoch. */
export type SigningKey = {
  kid: string;
  publicKey: PublicKey;
  privateKey: JWK;
  createdAt: number;
  /** When it takes over from the key before it. */
  signsFrom: number;
};

/** All keys, oldest first, as one aggregate: of two replicas that rotate at once, one does. */
export type KeyRing = { keys: SigningKey[]; version: number };

export type KeyRingStore = {
  /** An empty ring of version 0 where none was written. */
  keyRing(): Promise<KeyRing>;
  /** Writes the ring in one atomic step if the one it replaces has the version before its own. */
  replaceKeyRing(ring: KeyRing): Promise<boolean>;
};

/** How long an access token is valid; seconds. What a removed role or a deleted account still can do. */
export const tokenLifetime = 300;
/** How long caches may keep the published keys; seconds. */
export const publishedFor = 15;
/**
 * How long a new key is published before it signs; milliseconds. A verifier reads the keys again when a token
 * names one that it does not know, but not within 5 s of its last reading, and then it may get a cached copy.
 * So this must be more than 5 s + `publishedFor`; the rest is for clocks that differ.
 */
export const publishedAhead = 30_000;
/** How long a key is published after its last token has expired, for clocks that differ; milliseconds. */
const publishedAfter = 60_000;
/** The age at which a key is replaced without being asked to; milliseconds. */
export const rotateEvery = 30 * 24 * 3_600_000;

/** The key that signs at `now`: the newest whose time has come; the first, to a clock that is behind. */
export function signingKey({ keys }: KeyRing, now: number): SigningKey {
  const key = keys.findLast(({ signsFrom }) => signsFrom <= now) ?? keys[0];
  if (!key) throw new Error('The key ring is empty');
  return key;
}

/** The keys that a token that is valid at `now`, or will be signed soon, may name. */
export function publishedKeys({ keys }: KeyRing, now: number): SigningKey[] {
  return keys.filter((_, index) => {
    const successor = keys[index + 1];
    return !successor || now < successor.signsFrom + tokenLifetime * 1000 + publishedAfter;
  });
}

/** Whether the newest key is so old that another must follow; so it is where there is none. */
export function isRotationDue({ keys }: KeyRing, now: number): boolean {
  const newest = keys.at(-1);
  return !newest || newest.createdAt + rotateEvery <= now;
}

/** The ring with a new key, and without those that nobody needs any more. The first key signs at once. */
export function withKey(ring: KeyRing, key: Omit<SigningKey, 'signsFrom'>, now: number): KeyRing {
  const signsFrom = ring.keys.length === 0 ? now : now + publishedAhead;
  return { keys: [...publishedKeys(ring, now), { ...key, signsFrom }], version: ring.version + 1 };
}

export type SigningKeys = ReturnType<typeof createSigningKeys>;

/**
 * Signs access tokens, and keeps the keys for it.
 *
 * @param clock milliseconds since the epoch
 */
export function createSigningKeys(store: KeyRingStore, clock: () => number = Date.now) {
  let seenCreatedAt = 0;

  return {
    /** When the newest key was made that has been seen here; milliseconds since the epoch. */
    newestCreatedAt: () => seenCreatedAt,

    /** The public keys, as a JSON Web Key Set has them. */
    async published(): Promise<PublicKey[]> {
      return publishedKeys(await currentRing(), clock()).map(({ publicKey }) => publicKey);
    },

    /** Makes an access token. */
    async sign(subject: string, claims: { roles: string[]; sid: string }): Promise<string> {
      const now = clock();
      const key = signingKey(await currentRing(), now);
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'EdDSA', kid: key.kid })
        .setSubject(subject)
        .setIssuer(tokenIssuer)
        .setAudience(tokenAudience)
        .setIssuedAt(new Date(now))
        .setExpirationTime(new Date(now + tokenLifetime * 1000))
        .sign(await importJWK(key.privateKey, 'EdDSA'));
    },

    /** Adds a key. If others do so at the same moment, one of the keys is taken for all. */
    async rotate(): Promise<SigningKey> {
      return newestOf(seen(await rotated(await store.keyRing())));
    },
  };

  /** Rotates in passing: a key is only too old when something is to be signed or checked. */
  async function currentRing(): Promise<KeyRing> {
    const ring = await store.keyRing();
    return seen(isRotationDue(ring, clock()) ? await rotated(ring) : ring);
  }

  function seen(ring: KeyRing): KeyRing {
    seenCreatedAt = newestOf(ring).createdAt;
    return ring;
  }

  async function rotated(ring: KeyRing): Promise<KeyRing> {
    const now = clock();
    const next = withKey(ring, await newKey(now), now);
    return (await store.replaceKeyRing(next)) ? next : store.keyRing();
  }
}

function newestOf({ keys }: KeyRing): SigningKey {
  const newest = keys.at(-1);
  if (!newest) throw new Error('The key ring is empty');
  return newest;
}

async function newKey(createdAt: number): Promise<Omit<SigningKey, 'signsFrom'>> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const [{ x = '' }, privateKey] = await Promise.all([exportJWK(pair.publicKey), exportJWK(pair.privateKey)]);
  const kid = await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x });
  const publicKey: PublicKey = { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' };
  return { kid, createdAt, publicKey, privateKey };
}
