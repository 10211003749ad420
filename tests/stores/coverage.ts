type Environment = Record<string, string | undefined>;

/** The stores that need a server, and the setting by which the tests find it. */
const settingOf = { mongodb: 'TEST_MONGODB_URL', datastore: 'DATASTORE_EMULATOR_HOST' };

/** Stores whose server the environment does not name, each with the reason. */
export function missingServers(env: Environment): string[] {
  return Object.entries(settingOf)
    .filter(([, setting]) => !env[setting])
    .map(([store, setting]) => `${store} (${setting} is not set)`);
}

/**
 * Returns the stores that a run of all tests covered, and the required stores that it did not cover.
 *
 * @param env REQUIRE_STORES lists the stores that must not be skipped, comma-separated.
 * @example
 * coverage({ TEST_MONGODB_URL: 'mongodb://127.0.0.1' }).lines;
 * // ['stores: sqlite, mongodb covered', 'skipped: datastore (DATASTORE_EMULATOR_HOST is not set)']
 */
export function coverage(env: Environment): { lines: string[]; lacking: string[] } {
  const skipped = missingServers(env);
  const covered = [
    'sqlite',
    ...Object.entries(settingOf).flatMap(([store, name]) => (env[name] ? store : [])),
  ];
  const required = (env.REQUIRE_STORES ?? '').split(',').map((store) => store.trim());
  return {
    lines: [
      `stores: ${covered.join(', ')} covered`,
      ...(skipped.length > 0 ? [`skipped: ${skipped.join(', ')}`] : []),
    ],
    lacking: required.filter((store) => store !== '' && !covered.includes(store)),
  };
}
