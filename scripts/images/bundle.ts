/**
 * Bundles a service for its image: node bundle.ts users, in a folder with its sources and installed packages.
 * Writes our own code to `apps/users/dist` and that of packages to `apps/users/packages`. Removes the bundled
 * packages, removes from the bill of materials what is not in the image, and lists the bundled files beside it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import process from 'node:process';
import type { OutputChunk } from 'rolldown';
import { bundle, unbundled } from './bundler.ts';

const [, , service = ''] = process.argv;

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

/** Lists the source files that are bundled, such as `libs/platform/src/service/run.ts`. */
function listFiles(chunks: OutputChunk[]): void {
  const files = chunks.flatMap(({ moduleIds }) => moduleIds.map((id) => relative('.', id)));
  writeFileSync('bundled.json', JSON.stringify(files.filter(existsSync).sort(), null, 2));
}

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

const chunks = await bundle(service, `apps/${service}`);
listFiles(chunks);
removeBundled();
listContent(chunks);
