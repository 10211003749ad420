/**
 * Builds the images of the services and prints their sizes: npm run images [-- users billing]
 * IMAGE_TAG is their version, `dev` by default. The revision comes from git.
 */
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { buildArgs } from './images/build-args.ts';
import { type ServiceName, serviceNames } from './system.ts';

const { IMAGE_TAG = 'dev' } = process.env;

/** All inputs of an image: the Dockerfile, and what .dockerignore includes. */
const sources = [
  'Dockerfile',
  '.dockerignore',
  'package.json',
  'package-lock.json',
  'apps',
  'libs',
  'scripts/images',
];

const outputOf = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: 'utf8' }).trim();

/** Labels with the origin of an image; none in a copy without git. */
function origin(): Record<string, string> {
  try {
    const changed = outputOf('git', 'status', '--porcelain', ...sources);
    const source = outputOf('git', 'config', '--default', '', '--get', 'remote.origin.url');
    return {
      REVISION: `${outputOf('git', 'rev-parse', 'HEAD')}${changed && '-changed'}`,
      // The path of a local folder means nothing on other machines.
      SOURCE: source.startsWith('https://') ? source : '',
    };
  } catch {
    return {};
  }
}

function build(service: ServiceName, labels: Record<string, string>): void {
  const args = Object.entries({ ...buildArgs(service), VERSION: IMAGE_TAG, ...labels });
  const given = args.flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  execFileSync('docker', ['build', ...given, '--tag', `slipway/${service}:${IMAGE_TAG}`, '.'], {
    stdio: 'inherit',
  });
}

function sizeOf(service: ServiceName): string {
  const bytes = Number(
    outputOf('docker', 'image', 'inspect', '-f', '{{.Size}}', `slipway/${service}:${IMAGE_TAG}`),
  );
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !serviceNames.some((service) => service === name));
if (unknown.length > 0) {
  process.stderr.write(`There is no service ${unknown.join(', ')}; there are ${serviceNames.join(', ')}.\n`);
  process.exit(1);
}
const services = serviceNames.filter((name) => asked.length === 0 || asked.includes(name));
const labels = origin();
for (const service of services) build(service, labels);
for (const service of services) console.log(`slipway/${service}:${IMAGE_TAG}`.padEnd(24), sizeOf(service));
