import { StartError } from '../core/start-error.ts';

/** One technology that a service can store its data in. */
export type StoreKind<Store> = {
  /** The form of its URL, for the error message. */
  form: string;
  /** Imports the technology's module and opens the store. */
  open(url: string): Promise<Store>;
};

/**
 * Makes the function that opens the store named by `STORE_URL`. A driver costs start-up time and memory, so `open`
 * imports its module only when the URL's scheme asks for it.
 *
 * @param kinds the technologies by URL scheme; each also opens the scheme with `+srv`, as in `mongodb+srv:`
 * @example
 * export const openStore = storeByScheme<PlanStore>({
 *   sqlite: { form: 'sqlite:<path>', open: async (url) => (await import('./sqlite.ts')).openSqliteStore(url) },
 * });
 */
export function storeByScheme<Store>(kinds: Record<string, StoreKind<Store>>) {
  /** @throws {StartError} if no technology has the scheme, or the store cannot be opened. */
  return async function openStore(url: string): Promise<Store> {
    const [, scheme = ''] = /^([a-z]+)(?:\+srv)?:/.exec(url) ?? [];
    const kind = Object.hasOwn(kinds, scheme) ? kinds[scheme] : undefined;
    if (kind) return kind.open(url);
    // The URL may hold a password, so the message does not repeat it.
    const forms = Object.values(kinds).map(({ form }) => form);
    throw new StartError(`STORE_URL must be ${forms.join(' or ')}.`);
  };
}
