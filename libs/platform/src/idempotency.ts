/** The first answer to a request, as it is repeated. */
export type StoredAnswer = { status: number; contentType?: string; body: string };

export type Reservation =
  /** Nobody has used the key: go on, then `complete` or `release` it. */
  | { state: 'reserved' }
  /** A request with this key is running and its reservation has not expired. */
  | { state: 'running'; bodyHash: string }
  | { state: 'done'; bodyHash: string; answer: StoredAnswer };

/** Where the keys of repeated requests are kept; shared by all replicas of a service. */
export type IdempotencyStore = {
  /** Reserves a key in one atomic step. A reservation older than `staleAfter` ms was left by a crash: taken over. */
  reserve(key: string, bodyHash: string, now: number, staleAfter: number): Promise<Reservation>;
  complete(key: string, answer: StoredAnswer): Promise<void>;
  release(key: string): Promise<void>;
  /** Forgets keys that were reserved before `before` (milliseconds since the epoch). */
  expire(before: number): Promise<void>;
};
