import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import foreign from './fixtures/foreign.description.ts';
import type { Command } from './service.ts';
import { startTarget, type Target } from './target.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const description = path('fixtures/foreign.description.ts');
let target: Target | undefined;

/** Starts the foreign service, and checks it with the command that people use. */
async function conform(settings: Record<string, string>, parts: 'both' | 'url') {
  target = await startTarget({ ...foreign, command: { ...(foreign.command as Command), settings } });
  const management = parts === 'both' ? [`--management=${target.management}`] : [];
  const args = [path('run.ts'), description, `--url=${target.base}`, ...management];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = await once(child, 'close');
  return { code, output };
}

describe('npm run conform with the address of a running service', () => {
  afterEach(() => target?.close());

  it('exits with 0 if no promise is broken, and names what it left out', async () => {
    const { code, output } = await conform({}, 'both');
    expect(output).toMatch(
      /^left out {2}exits immediately at a second signal\n {10}the service was not started/m,
    );
    expect(output).toMatch(/^kept {6}is alive$/m);
    expect(output).toMatch(/^foreign: \d+ kept, 0 broken, \d+ left out$/m);
    expect(code).toBe(0);
  });

  it('leaves out the probes without a management address', async () => {
    const { code, output } = await conform({}, 'url');
    expect(output).toMatch(/^left out {2}is alive\n {10}no management address$/m);
    expect(code).toBe(0);
  });

  it('exits with 1 and prints the reason if a promise is broken', async () => {
    const { code, output } = await conform({ BREAK: 'no-token' }, 'both');
    expect(output).toMatch(
      /^broken {4}answers a request without a token.*\n {10}the status is 200, not 401/m,
    );
    expect(code).toBe(1);
  });
});
