import { setTimeout as wait } from 'node:timers/promises';
import { backoff } from '@slipway/platform/core/backoff';
import { type Db, MongoClient } from 'mongodb';

/** How long to wait for the server, which may be starting, too; milliseconds. */
const connectWithin = 60_000;
/** Delays before an account is changed again; milliseconds. */
const delays = { base: 50, max: 1_000 };
/** Maximum number of times that a change is repeated. */
const maxRetries = 5;

/**
 * Gives a service an account of its own on a MongoDB server, with the name and password in its store URL, for the
 * database of that URL and the one with the suffix `-sandbox`. An account that works already is left as it is.
 *
 * @param rootUrl URL with an account that may make others
 * @param storeUrl `mongodb://<name>:<password>@<host>/<database>?authSource=admin`
 * @returns `exists`, `made` (also with a new password only), or `elsewhere` if the store is on another server
 */
export async function ensureAccount(
  rootUrl: string,
  storeUrl: string,
): Promise<'exists' | 'made' | 'elsewhere'> {
  const store = new URL(storeUrl);
  if (store.host !== new URL(rootUrl).host) return 'elsewhere';
  const database = store.pathname.slice(1);
  const user = decodeURIComponent(store.username);
  const pwd = decodeURIComponent(store.password);
  return withServer(rootUrl, async (root) => {
    if (await mayLogIn(storeUrl)) return 'exists';
    const roles = [database, `${database}-sandbox`].map((db) => ({ role: 'readWrite', db }));
    for (let retries = 0; ; retries += 1) {
      try {
        await put(root.db('admin'), { user, pwd, roles });
        return 'made';
      } catch (error) {
        // Of replicas that change an account at the same time, some servers let only one succeed.
        await wait(backoff(retries, delays));
        if (await mayLogIn(storeUrl)) return 'made';
        if (retries === maxRetries) throw error;
      }
    }
  });
}

/** Makes an account, or gives one that exists the password, because its own may be older. */
async function put(admin: Db, { user, ...account }: { user: string; pwd: string; roles: object[] }) {
  // Some servers leave the list out if it is empty.
  const { users = [] } = await admin.command({ usersInfo: user });
  if (users.length === 0) await admin.command({ createUser: user, ...account });
  else await admin.command({ updateUser: user, pwd: account.pwd });
}

function mayLogIn(storeUrl: string): Promise<boolean> {
  const ping = (client: MongoClient) => client.db().command({ ping: 1 });
  return withServer(storeUrl, ping).then(
    () => true,
    () => false,
  );
}

async function withServer<T>(url: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: connectWithin });
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.close();
  }
}
