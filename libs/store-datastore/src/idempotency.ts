import type { IdempotencyStore, StoredAnswer } from '@slipway/platform/http/idempotency';
import { type DatastoreStore, type Found, nameOf, type Reads, type Step } from './entities.ts';

/** A reserved key. Its response is another entity, so that trimming a caller's keys reads no responses. */
type Entry = {
  bodyHash: string;
  reservedAt: number;
  caller: string;
  answered: boolean;
  /** Size of the response's body. */
  bytes: number;
};

const keys = 'IdempotencyKey';
const answers = 'IdempotencyAnswer';

/** Maximum number of keys in one query or transaction, so that it ends in time. */
const batchSize = 250;

/** Stores idempotency keys. A response of 1 MiB or more is not stored, because an entity cannot be larger. */
export function datastoreIdempotency(store: DatastoreStore): IdempotencyStore {
  /** Changes a key that has no response, in one transaction. */
  const changeOpen = (key: string, change: (step: Step, entry: Entry) => void) =>
    store.transaction(async (step) => {
      const found = await read(step, key);
      if (found && !found.answered) change(step, found);
    });

  /** Deletes keys, except those that were reserved again after they were found, and returns their number. */
  const remove = (found: Found[]) =>
    store.transaction(async (step) => {
      const names = found.map(({ name }) => name);
      const since = new Map(found.map(({ name, reservedAt }) => [name, reservedAt]));
      const present = await step.get(keys, names);
      const unchanged = present.filter(({ name, reservedAt }) => since.get(name) === reservedAt);
      for (const kind of [keys, answers])
        step.remove(
          kind,
          unchanged.map(({ name }) => name),
        );
      return unchanged.length;
    });

  return {
    async reserve(key, bodyHash, now, staleAfter, caller = '') {
      return store.transaction(async (step) => {
        const found = await read(step, key);
        if (found?.answered)
          return { state: 'done', bodyHash: found.bodyHash, answer: await readAnswer(step, key) };
        const isFree = !found || (found.bodyHash === bodyHash && found.reservedAt < now - staleAfter);
        if (!isFree) return { state: 'running', bodyHash: found.bodyHash };
        write(step, key, { bodyHash, reservedAt: now, caller, answered: false, bytes: 0 });
        return { state: 'reserved' };
      });
    },
    async complete(key, answer) {
      await changeOpen(key, (step, entry) => {
        write(step, key, { ...entry, answered: true, bytes: Buffer.byteLength(answer.body) });
        step.save(answers, nameOf(key), { answer: JSON.stringify(answer) });
      });
    },
    async release(key, staleAfter) {
      await changeOpen(key, (step, entry) => {
        write(step, key, { ...entry, reservedAt: entry.reservedAt - (staleAfter + 1) });
      });
    },
    async expire(before, limit) {
      const found = await store.find(keys, { by: 'reservedAt', before, limit });
      return found.length === 0 ? 0 : remove(found);
    },
    async trim(caller, limits, runningSince) {
      const sum = { records: 0, bytes: 0 };
      const isBeyond = ({ bytes, answered, reservedAt }: Found) => {
        sum.records += 1;
        sum.bytes += Number(bytes);
        const hasEnded = answered === true || Number(reservedAt) < runningSince;
        return hasEnded && (sum.records > limits.records || sum.bytes > limits.bytes);
      };
      for (let before: string | undefined = `${groupOf(caller)}!`; before; ) {
        const page = await store.find(keys, {
          ...{ by: 'position', after: `${groupOf(caller)} `, before },
          ...{ order: 'descending', limit: batchSize },
        });
        const beyond = page.filter(isBeyond);
        if (beyond.length > 0) await remove(beyond);
        before = page.length < batchSize ? undefined : String(page.at(-1)?.position);
      }
    },
  };
}

async function read(reads: Reads, key: string): Promise<Entry | undefined> {
  const [found] = await reads.get(keys, [nameOf(key)]);
  return found as Entry | undefined;
}

async function readAnswer(reads: Reads, key: string): Promise<StoredAnswer> {
  const [found] = await reads.get(answers, [nameOf(key)]);
  return JSON.parse(String(found?.answer)) as StoredAnswer;
}

function write(step: Step, key: string, entry: Entry): void {
  const { bodyHash, reservedAt, caller, answered, bytes } = entry;
  // By this one property, a caller's keys are sorted by time.
  const position = `${groupOf(caller)} ${String(Math.max(0, reservedAt)).padStart(16, '0')} ${key}`;
  const properties = { bodyHash, reservedAt, caller, answered, bytes, position };
  step.save(keys, nameOf(key), properties, ['reservedAt', 'position']);
}

/** Returns a caller's name without spaces, which separate the parts of a position. */
const groupOf = (caller: string) => encodeURIComponent(caller);
