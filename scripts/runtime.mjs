// Plain JavaScript, so that any Node can run it. Imported before each command of package.json: checks that Node is the
// pinned one, and prints the command's manual if `--help` asks for it.
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

const [, program, ...args] = process.argv;
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(manualOf(program));
  process.exit(0);
}

/** Returns the comment at the top of a command's file, which is its manual. */
function manualOf(file) {
  const [, lines = ''] = /^\/\*\*\n(.*?)^ \*\/$/ms.exec(readFileSync(file, 'utf8')) ?? [];
  return lines.replaceAll(/^ \* ?/gm, '');
}
