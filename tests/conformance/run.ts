/**
 * Checks what a service promises, and prints a table: `npm run conform`.
 *
 *   npm run conform -- billing                 starts one of Slipway's services, and checks it
 *   npm run conform -- path/description.ts     starts the service that a module describes (docs/conformance.md)
 *
 *   --url <address>          checks a service that runs already
 *   --management <address>   its management port
 *   --load                   also checks the promises about overload
 *
 * Exits with 1 if a promise is broken.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { checkAndPrint } from './report.ts';
import type { Description } from './service.ts';
import { describeSystem, runningServices } from './slipway.ts';
import { startTarget, Target } from './target.ts';

type Opened = { target: Target; close(): Promise<void> };
type Asked = { name?: string; url?: string; management?: string; load: boolean };

function readOptions(args: string[]): Asked {
  const text = { type: 'string' } as const;
  const options = { url: text, management: text, load: { type: 'boolean', default: false } } as const;
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  return { ...values, name: positionals[0] };
}

async function open({ name, url, management }: Asked): Promise<Opened> {
  const isFile = name !== undefined && /[./]/.test(name);
  const described = isFile ? await load(name) : undefined;
  if (url) {
    const running = described ?? runningServices.find((each) => each.name === name);
    if (!running) throw new Error(`Describe the service at ${url} in a module; see docs/conformance.md`);
    return { target: new Target(running, { base: url, management }), close: async () => {} };
  }
  if (described) return openAndClose(described);
  if (name === undefined) throw new Error('Name a service: npm run conform -- billing (or --help)');
  const { descriptions, stop } = await describeSystem();
  const own = descriptions.find((each) => each.name === name);
  if (own) return openAndClose(own, stop).catch((error) => stop().then(() => Promise.reject(error)));
  await stop();
  throw new Error(`There is no service ${name}, only ${descriptions.map((each) => each.name).join(', ')}`);
}

async function openAndClose(description: Description, stop = async () => {}): Promise<Opened> {
  const target = await startTarget(description);
  return { target, close: () => target.close().then(stop) };
}

async function load(path: string): Promise<Description> {
  const { default: description } = await import(pathToFileURL(resolve(path)).href);
  if (description?.read?.path) return description;
  throw new Error(`${path} has no description as its default export; see docs/conformance.md`);
}

/** Checks all promises and prints the results. Returns the exit code. */
async function conform(asked: Asked): Promise<number> {
  const { target, close } = await open(asked);
  target.mayLoad = asked.load;
  try {
    return (await checkAndPrint(target)) === 0 ? 0 : 1;
  } finally {
    await close();
  }
}

try {
  process.exitCode = await conform(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
