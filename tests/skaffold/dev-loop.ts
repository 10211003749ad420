import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** `skaffold dev`, running. */
export type DevLoop = {
  /** How many images it has built so far. */
  builds(): number;
  /** Ends it as Ctrl-C does. */
  stop(): Promise<void>;
};

/** Building and deploying may take a while on a busy machine; milliseconds. */
const patience = 400_000;

/**
 * Starts `skaffold dev` for one service and resolves when it watches for changes.
 *
 * @throws with its last lines if it ends before, or takes too long
 */
export async function startDevLoop(folder: string, service: string): Promise<DevLoop> {
  const args = ['dev', '--module', service, '--cleanup=false', '--port-forward=off'];
  const loop = spawn('skaffold', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const watching = new Promise<void>((resolve) => {
    for (const stream of [loop.stdout, loop.stderr]) {
      createInterface(stream).on('line', (line) => {
        lines.push(line);
        if (line.startsWith('Watching for changes')) resolve();
      });
    }
  });
  const said = () => lines.slice(-20).join('\n');
  const ended = once(loop, 'exit');
  const late = setTimeout(() => loop.kill('SIGTERM'), patience);
  await Promise.race([watching, ended.then(() => Promise.reject(new Error(said())))]);
  clearTimeout(late);
  return {
    builds: () => lines.filter((line) => line.startsWith('Building [')).length,
    async stop() {
      loop.kill('SIGINT');
      await ended;
    },
  };
}
