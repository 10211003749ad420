import type { PublicKey } from '@slipway/contracts/users';
import { type Aggregate, type AggregateStore, update } from '@slipway/platform/events/aggregates';
import { tokenAudience, tokenIssuer } from '@slipway/platform/http/tokens';
import type { JWK } from 'jose';
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint';
import { SignJWT } from 'jose/jwt/sign';
import { exportJWK } from 'jose/key/export';
import { generateKeyPair } from 'jose/key/generate/keypair';
import { importJWK } from 'jose/key/import';

/** An Ed25519 key pair that signs access tokens. Times are milliseconds since the epoch. */
export type SigningKey = {
  kid: string;
  publicKey: PublicKey;
  privateKey: JWK;
  createdAt: number;
  /** When the key begins to sign, instead of the previous one. */
  signsFrom: number;
};

/** All keys, oldest first, as one aggregate: if two replicas rotate the keys at the same time, only one succeeds. */
export type KeyRing = Aggregate & { keys: SigningKey[] };

export type KeyRingStore = AggregateStore<KeyRing>;

/** The id of the only ring. */
const ringId = 'key ring';
const emptyRing = (): KeyRing => ({ id: ringId, keys: [], version: 0 });

/** How long an access token is valid, also after its account is deleted or its role is revoked; seconds. */
export const tokenLifetime = 300;
/** How long caches may store the published keys; seconds. */
export const publishedFor = 15;
/**
 * How long a new key is published before it signs; milliseconds. A verifier reads the keys again when a token names an
 * unknown one, but not within 5 s of its last read, and it may get a cached copy. So this must be longer than
 * 5 s + `publishedFor`; the rest allows for clocks that differ.
 */
export const publishedAhead = 30_000;
/** How long a key is published after its last token has expired, because clocks differ; milliseconds. */
const publishedAfter = 60_000;
/** The age at which the job `signing-key-rotation` replaces a key; milliseconds. */
export const rotateEvery = 30 * 24 * 3_600_000;

/** Returns the key that signs at `now`: the newest that may sign; the first if the clock is behind. */
export function signingKey({ keys }: KeyRing, now: number): SigningKey {
  const key = keys.findLast(({ signsFrom }) => signsFrom <= now) ?? keys[0];
  if (!key) throw new Error('The key ring is empty');
  return key;
}

/** Returns the keys that may have signed a token that is valid at `now`, or will sign one soon. */
export function publishedKeys({ keys }: KeyRing, now: number): SigningKey[] {
  return keys.filter((_, index) => {
    const successor = keys[index + 1];
    return !successor || now < successor.signsFrom + tokenLifetime * 1000 + publishedAfter;
  });
}

/** Returns whether a new key is due: the newest is too old, or there is none. */
export function isRotationDue({ keys }: KeyRing, now: number): boolean {
  const newest = keys.at(-1);
  return !newest || newest.createdAt + rotateEvery <= now;
}

/** Returns the ring with a new key and without those that no token needs. The first key signs immediately. */
export function withKey(ring: KeyRing, key: Omit<SigningKey, 'signsFrom'>, now: number): KeyRing {
  const signsFrom = ring.keys.length === 0 ? now : now + publishedAhead;
  const keys = [...publishedKeys(ring, now), { ...key, signsFrom }];
  return { ...ring, keys, version: ring.version + 1 };
}

export type SigningKeys = ReturnType<typeof createSigningKeys>;

/**
 * Creates the functions that sign access tokens and manage the keys.
 *
 * @param clock milliseconds since the epoch
 */
export function createSigningKeys(store: { keyRing: KeyRingStore }, clock: () => number = Date.now) {
  let seenCreatedAt = 0;

  return {
    /** Returns when the newest key that this process has read was created, or 0; milliseconds since the epoch. */
    newestCreatedAt: () => seenCreatedAt,

    /** Returns the keys of the published JSON Web Key Set. */
    async published(): Promise<PublicKey[]> {
      return publishedKeys(await currentRing(), clock()).map(({ publicKey }) => publicKey);
    },

    /** Creates an access token. */
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

    /** Adds a key if there is none, or if the newest one is too old. */
    async rotateIfDue(): Promise<void> {
      const isDue = (ring: KeyRing) => isRotationDue(ring, clock());
      if (isDue(await readRing())) seen(await addKey(isDue));
    },

    /** Adds a key. If other replicas do so at the same time, all use the key of one of them. */
    async rotate(): Promise<SigningKey> {
      const { version } = await readRing();
      return newestOf(seen(await addKey((ring) => ring.version === version)));
    },
  };

  /** Returns the ring. Adds the first key, so that no request fails before the job for it has run. */
  async function currentRing(): Promise<KeyRing> {
    const ring = await readRing();
    return seen(isEmpty(ring) ? await addKey(isEmpty) : ring);
  }

  async function readRing(): Promise<KeyRing> {
    return (await store.keyRing.get(ringId)) ?? emptyRing();
  }

  function seen(ring: KeyRing): KeyRing {
    seenCreatedAt = newestOf(ring).createdAt;
    return ring;
  }

  /** @param isDue whether the ring still needs a key; not if another replica has added one */
  function addKey(isDue: (ring: KeyRing) => boolean): Promise<KeyRing> {
    const rotate = async (ring: KeyRing) => {
      const now = clock();
      return isDue(ring) ? { next: withKey(ring, await newKey(now), now), events: [] } : undefined;
    };
    return update(store.keyRing, ringId, rotate, { ifMissing: emptyRing });
  }
}

const isEmpty = ({ keys }: KeyRing) => keys.length === 0;

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
