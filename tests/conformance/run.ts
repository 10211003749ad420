/**
 * Checks what a service promises, and prints a table. `npm run conform -- billing` starts one of Slipway's services;
 * `npm run conform -- path/to/description.ts` starts another one; with `--url` and `--management`, one that runs
 * already is checked instead. `--load` adds the promises about overload.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { checkPromise, type Result } from './promise.ts';
import { promises } from './promises.ts';
import type { Description } from './service.ts';
import { describeSystem, runningServices } from './slipway.ts';
import { startTarget, Target } from './target.ts';

const usage = `Usage: npm run conform -- <service or path of a description> [--load]
       npm run conform -- <service or path of a description> --url=http://… [--management=http://…] [--load]`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { url: { type: 'string' }, management: { type: 'string' }, load: { type: 'boolean' } },
});

type Opened = { target: Target; close(): Promise<void> };

async function open(): Promise<Opened> {
  const [name] = positionals;
  const { url, management } = values;
  const isFile = name !== undefined && /[./]/.test(name);
  const described = isFile ? await load(name) : undefined;
  if (url) {
    const running = described ?? runningServices.find((each) => each.name === name);
    if (!running)
      throw new Error(`Describe the service at ${url} in a module; see docs/conformance.md\n${usage}`);
    return { target: new Target(running, { base: url, management }), close: async () => {} };
  }
  if (described) return openAndClose(described);
  if (name === undefined) throw new Error(usage);
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

function print({ outcome, name, why }: Result): void {
  console.log(
    `${outcome.padEnd(8)}  ${name}${why ? `\n${' '.repeat(10)}${why.replaceAll('\n', `\n${' '.repeat(10)}`)}` : ''}`,
  );
}

/** Checks all promises and prints the results. Returns the exit code. */
async function conform(): Promise<number> {
  const { target, close } = await open();
  target.mayLoad = values.load ?? false;
  const results: Result[] = [];
  try {
    for (const promise of promises) {
      const result = await checkPromise(promise, target);
      results.push(result);
      print(result);
    }
  } finally {
    await close();
  }
  const count = (outcome: Result['outcome']) => results.filter((each) => each.outcome === outcome).length;
  console.log(
    `${target.description.name}: ${count('kept')} kept, ${count('broken')} broken, ${count('left out')} left out`,
  );
  return count('broken') === 0 ? 0 : 1;
}

try {
  process.exitCode = await conform();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
