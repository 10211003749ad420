/**
 * Bundles a service for its image: node bundle.ts users, in a folder with its sources and installed packages.
 * Writes our own code to `apps/users/dist` and the packages' to `apps/users/packages`. Leaves in the manifests only
 * the packages that are not bundled.
 */
import { appendFileSync, cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { type OutputChunk, rolldown } from 'rolldown';

const [, , service = ''] = process.argv;
const app = join('apps', service);

/** These read files of their own folders, or are asked for in a way that a bundler cannot follow (`createRequire`). */
const unbundled = ['@fastify/swagger-ui', '@google-cloud/datastore', '@grpc/grpc-js'];

/** The programs that an image can start. A service has those whose sources exist. */
const programs = {
  main: `${app}/src/main.ts`,
  jobs: `${app}/src/jobs/main.ts`,
  'make-accounts': 'libs/store-mongodb/src/make-accounts.ts',
};

async function bundle(): Promise<OutputChunk[]> {
  const input = Object.fromEntries(Object.entries(programs).filter(([, file]) => existsSync(file)));
  const build = await rolldown({ input, platform: 'node', external: unbundled });
  const { output } = await build.write({
    dir: app,
    sourcemap: 'hidden',
    sourcemapExcludeSources: true,
    entryFileNames: 'dist/[name].js',
    chunkFileNames: ({ name }) =>
      name.startsWith('packages') ? 'packages/[hash].js' : 'dist/[name]-[hash].js',
    // Packages apart from our own code; of them, what is imported on demand apart from the rest.
    codeSplitting: { groups: [{ name: 'packages', test: /node_modules/, entriesAware: true }] },
  });
  return output.filter((file) => file.type === 'chunk');
}

/** Node reads a source map with the code, so only our own code has one: those of packages take 45 MB and 200 ms. */
function mapOwnCode({ fileName, moduleIds }: OutputChunk): void {
  const file = join(app, fileName);
  const isOwn = moduleIds.some((id) => !id.includes('node_modules'));
  if (isOwn) appendFileSync(file, `//# sourceMappingURL=${basename(file)}.map\n`);
  else rmSync(`${file}.map`, { force: true });
}

/** Makes the packages that are not bundled the only ones, so that `npm prune` removes all others. */
function leaveUnbundled(): void {
  const installed = unbundled.filter((name) => existsSync(`node_modules/${name}`));
  for (const manifest of ['package.json', ...globSync('{apps,libs}/*/package.json')]) {
    const fields = JSON.parse(readFileSync(manifest, 'utf8'));
    const names = manifest === 'package.json' ? installed : [];
    fields.dependencies = Object.fromEntries(names.map((name) => [name, '*']));
    writeFileSync(manifest, JSON.stringify(fields));
  }
}

for (const chunk of await bundle()) mapOwnCode(chunk);
// The pages that the code reads, at their place relative to it.
if (existsSync(`${app}/src/pages`)) cpSync(`${app}/src/pages`, `${app}/pages`, { recursive: true });
leaveUnbundled();
