import { appendFileSync, cpSync, existsSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';

/** Packages that are compiled, read files of their folders, or are loaded in a way that a bundler cannot follow. */
export const unbundled = [
  '@duckdb/node-api',
  '@fastify/swagger-ui',
  '@google-cloud/datastore',
  '@grpc/grpc-js',
];

/** The programs that an image can start, also in a thread. A service has those whose sources exist. */
const programsOf = (service: string) => ({
  main: `apps/${service}/src/main.ts`,
  'load-worker': `apps/${service}/src/load/worker.ts`,
  'make-accounts': 'libs/store-mongodb/src/make-accounts.ts',
});

/**
 * Pino asks Node for its callers, which only a transport needs, and Slipway has none. Where source maps are enabled,
 * Node reads one for the answer, which costs each start 40 ms of CPU.
 */
const withoutCallers: Plugin = {
  name: 'without-callers',
  load: {
    filter: { id: /node_modules\/pino\/lib\/caller\.js$/ },
    handler: () => 'module.exports = () => [];',
  },
};

/**
 * Bundles a service of the current folder: our own code to `dist` of a folder, and that of packages to `packages`.
 *
 * @param folder where to write
 */
export async function bundle(service: string, folder: string): Promise<OutputChunk[]> {
  const input = Object.fromEntries(
    Object.entries(programsOf(service)).filter(([, file]) => existsSync(file)),
  );
  const build = await rolldown({ input, platform: 'node', external: unbundled, plugins: [withoutCallers] });
  const { output } = await build.write({
    dir: folder,
    sourcemap: 'hidden',
    sourcemapExcludeSources: true,
    // White space takes memory; names are what stack traces show.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    entryFileNames: 'dist/[name].js',
    chunkFileNames: ({ name }) =>
      name.startsWith('packages') ? 'packages/[hash].js' : 'dist/[name]-[hash].js',
    // Separates packages from our own code, and packages imported on demand from the others.
    codeSplitting: { groups: [{ name: 'packages', test: /node_modules/, entriesAware: true }] },
  });
  const chunks = output.filter((file) => file.type === 'chunk');
  for (const chunk of chunks) mapOwnCode(chunk, folder);
  copyPages(service, folder);
  return chunks;
}

/** Node reads a source map with the code, so only our own code has one: those of packages take 45 MB and 200 ms. */
function mapOwnCode({ fileName, moduleIds }: OutputChunk, folder: string): void {
  const file = join(folder, fileName);
  const isOwn = moduleIds.some((id) => !id.includes('node_modules'));
  if (isOwn) appendFileSync(file, `//# sourceMappingURL=${basename(file)}.map\n`);
  else rmSync(`${file}.map`, { force: true });
}

/** The bundled code reads its pages from `../pages`. */
function copyPages(service: string, folder: string): void {
  const pages = `apps/${service}/src/pages`;
  const isPage = (file: string) => !file.endsWith('.ts');
  if (existsSync(pages)) cpSync(pages, `${folder}/pages`, { recursive: true, filter: isPage });
}
