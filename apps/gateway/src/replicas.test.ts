import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import process from 'node:process';
import { expect, it, onTestFinished } from 'vitest';
import { createReplicas } from './replicas.ts';

/** Listens with room for two connections that nobody accepts, and prints its port. */
const program = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => process.stdout.write(String(server.address().port)));
`;

/** Starts a process that is stopped by a signal, and whose room for connections is full: another one is never made. */
async function startFull(): Promise<number> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [port] = await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  for (const _ of [1, 2]) {
    const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
  }
  return Number(port);
}

it('a replica that lets nobody connect is unreachable within seconds', async () => {
  const replicas = createReplicas('users', `http://127.0.0.1:${await startFull()}/status`);
  onTestFinished(() => replicas.close());
  const askedAt = performance.now();
  const { replicas: read } = await replicas.read();
  expect(read).toEqual([{ origin: expect.any(String), status: undefined }]);
  // Without a limit of its own, a connection is given up after ten seconds.
  expect(performance.now() - askedAt).toBeLessThan(4_000);
});
