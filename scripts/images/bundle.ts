/**
 * Bundles a service for its image: node bundle.ts users, in a folder with its sources and installed packages.
 * Writes our own code to `apps/users/dist` and that of packages to `apps/users/packages`. Removes the bundled
 * packages, and removes from the bill of materials what is not in the image.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { type OutputChunk, rolldown } from 'rolldown';

const [, , service = ''] = process.argv;
const app = join('apps', service);

/** Packages that read files of their folders, or are loaded in a way that a bundler cannot follow (`createRequire`). */
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
    // Separates packages from our own code, and packages imported on demand from the others.
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

/** Removes bundled packages: lists only the others as dependencies, and lets npm remove the rest. */
function removeBundled(): void {
  const installed = unbundled.filter((name) => existsSync(`node_modules/${name}`));
  for (const manifest of ['package.json', ...globSync('{apps,libs}/*/package.json')]) {
    const fields = JSON.parse(readFileSync(manifest, 'utf8'));
    const names = manifest === 'package.json' ? installed : [];
    fields.dependencies = Object.fromEntries(names.map((name) => [name, '*']));
    writeFileSync(manifest, JSON.stringify(fields));
  }
  const flags = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  execFileSync('npm', ['prune', ...flags], { stdio: 'inherit' });
}

/** Returns the package that a file belongs to, or undefined for our own code. */
const packageOf = (file: string) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];

/** Removes from the bill of materials what is not in the image: npm lists all that was installed. */
function listContent(chunks: OutputChunk[]): void {
  const files = [
    ...chunks.flatMap(({ moduleIds }) => moduleIds),
    ...globSync('node_modules/**/package.json'),
  ];
  const held = new Set(files.map(packageOf));
  const bill = JSON.parse(readFileSync('sbom.cdx.json', 'utf8'));
  bill.components = bill.components.filter(({ purl }: Component) => {
    const name = decodeURIComponent(/^pkg:npm\/(.+)@/.exec(purl)?.[1] ?? '');
    return name.startsWith('@slipway/') || held.has(name);
  });
  const refs = new Set([bill.metadata.component, ...bill.components].map((each) => each['bom-ref']));
  bill.dependencies = bill.dependencies
    .filter(({ ref }: Dependency) => refs.has(ref))
    .map(({ ref, dependsOn }: Dependency) => ({
      ref,
      dependsOn: dependsOn.filter((each) => refs.has(each)),
    }));
  writeFileSync('sbom.cdx.json', JSON.stringify(bill, null, 2));
}

/** The fields of a CycloneDX document that are read here. */
type Component = { purl: string };
type Dependency = { ref: string; dependsOn: string[] };

const chunks = await bundle();
for (const chunk of chunks) mapOwnCode(chunk);
// The bundled code reads its pages from `../pages`.
const isPage = (file: string) => !file.endsWith('.ts');
if (existsSync(`${app}/src/pages`)) {
  cpSync(`${app}/src/pages`, `${app}/pages`, { recursive: true, filter: isPage });
}
removeBundled();
listContent(chunks);
