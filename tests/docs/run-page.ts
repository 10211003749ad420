/** Runs the blocks of a page in one shell, and compares what each prints. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { root } from './decisions.ts';
import type { Fence } from './fences.ts';

/** The differences between a page and this run of its commands: addresses, other words, and the environment. */
export type Place = {
  /** The real address of each port of `localhost` that the pages name, such as `{ 8080: '127.0.0.1:20123' }`. */
  ports: Record<number, string>;
  /** Other words of the pages that are different here. */
  words?: Record<string, string>;
  env?: NodeJS.ProcessEnv;
  /** The folder in which its commands run: another copy of the repository. */
  folder?: string;
  /** Time limit of a page; milliseconds. 4 minutes by default. */
  limit?: number;
};

/** Separates the outputs of blocks; no program prints it. */
const separator = '\u001e';

/**
 * Runs the blocks and resolves with the output of each.
 *
 * @throws if a command fails, or if a block does not print what it says; the message names the page and the line.
 */
export async function runPage(fences: Fence[], place: Place): Promise<string[]> {
  const { code, output } = await shell(scriptOf(fences, place), place);
  const [before = '', ...outputs] = output.split(separator);
  if (code !== 0) {
    const failed = fences[outputs.length - 1];
    throw new Error(
      `${failed?.at}: a command of this block failed (exit ${code})\n${outputs.at(-1) ?? before}`,
    );
  }
  for (const [n, { at, prints }] of fences.entries()) {
    for (const pattern of prints) {
      if (!pattern.test(outputs[n] ?? '')) throw new Error(`${at}: no ${pattern} in\n${outputs[n]}`);
    }
  }
  return outputs;
}

function scriptOf(fences: Fence[], place: Place): string {
  const blocks = fences.map((fence) => {
    const text = located(fence.text, place);
    return `printf '${separator}'\n${fence.attributes.background === undefined ? text : background(text, fence)}`;
  });
  return [
    'exec 2>&1',
    'pages_log=$(mktemp)',
    // Ctrl-C interrupts all processes of a group. Without a terminal, `docker` also passes the signal on to its plugin, for
    // which the second one means: kill all containers.
    'interrupt() {',
    '  pgrep -g $1 > /dev/null || { kill $1 || true; return 0; }',
    '  for pid in $(pgrep -g $1); do [ "$(ps -o comm= -p $pid)" = docker ] || kill -INT $pid || true; done',
    '}',
    "trap 'for job in $(jobs -p); do interrupt $job 2>/dev/null; done; wait; rm $pages_log' EXIT",
  ]
    .concat(blocks)
    .join('\n');
}

/** Returns the script that starts a block and waits until it prints its patterns; it fails if the block ends first. */
function background(text: string, { at, prints }: Fence): string {
  if (prints.length === 0) throw new Error(`${at}: a block in the background needs prints=/…/ to wait for`);
  const isThere = prints.map(({ source }) => `grep -Pq -- ${quote(source)} $pages_log`).join(' && ');
  return [
    `: > $pages_log; set -m; ( ${text.trimEnd()}\n) > $pages_log 2>&1 &`,
    'set +m',
    `until ${isThere}; do kill -0 $! || { cat $pages_log; exit 1; }; sleep 0.1; done`,
    'cat $pages_log\n',
  ].join('\n');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Replaces the addresses and words of a page by those that are used here. */
function located(text: string, { ports, words = {} }: Place): string {
  const addressed = text.replaceAll(
    /\b(?:127\.0\.0\.1|localhost):(\d+)\b/g,
    (all, port) => ports[port] ?? all,
  );
  return Object.entries(words).reduce((soFar, [word, here]) => soFar.replaceAll(word, here), addressed);
}

async function shell(
  script: string,
  { env = process.env, folder = root, limit: timeout = 240_000 }: Place,
): Promise<{ code: number | null; output: string }> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}
