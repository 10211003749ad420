// Plain JavaScript, so that any Node can run it. Imported before each script that only the pinned Node understands.
import { readFileSync } from 'node:fs';
import process from 'node:process';

const { devDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const major = (version) => Number.parseInt(version, 10);

if (major(process.versions.node) < major(devDependencies.node)) {
  process.stderr.write(
    `Slipway runs on Node ${major(devDependencies.node)}, which \`npm ci\` installs, but not with --ignore-scripts: run \`npm rebuild node\`.\n`,
  );
  process.exit(1);
}
