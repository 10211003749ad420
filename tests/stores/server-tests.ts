/**
 * Prints the test files that use a database server, for a second run of the tests with real servers: all others would
 * only do again what the first run did.
 *
 *   npx vitest run --dir . $(node tests/stores/server-tests.ts)
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../..');
/** The settings by which a test finds a server. */
const servers = /TEST_MONGODB_URL|DATASTORE_EMULATOR_HOST|TEST_MONGODB_IMAGE/;
const imports = /(?:from|import\() ?'(\.[^']+)'/g;
/**
 * Code of tests, which decides whether a server is used. What starts a system takes its stores as an option: on servers
 * only for tests that use `support/suites.ts` or name a server.
 */
const decides = (file: string) =>
  /^tests\/|\.test\.ts$|\/testing\/|\.(contract|fixture)\.ts$/.test(file) &&
  !/^tests\/support\/(system|target)\.ts$/.test(file);

/**
 * Returns the test files of a repository that name a server, or import code of tests that does.
 *
 * @example
 * serverTests().includes('tests/chaos/kill.test.ts'); // true
 */
export function serverTests(): string[] {
  const patterns = ['apps', 'libs', 'tests'].map((folder) => `${folder}/**/*.test.ts`);
  const tests = globSync(patterns, { cwd: root, exclude: (path) => path.includes('node_modules') });
  return tests.filter((file) => usesServer(file, new Set())).sort();
}

function usesServer(file: string, visited: Set<string>): boolean {
  if (visited.has(file)) return false;
  visited.add(file);
  const text = readFileSync(join(root, file), 'utf8');
  if (servers.test(text)) return true;
  const imported = [...text.matchAll(imports)].map(([, path = '']) => join(dirname(file), path));
  return imported.filter(decides).some((each) => usesServer(each, visited));
}

if (import.meta.main) process.stdout.write(`${serverTests().join('\n')}\n`);
