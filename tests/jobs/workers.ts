/** Starts replicas of the service under test as processes, and answers what their jobs ask. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { type ServiceProcess, startProcess } from '../../scripts/service-process.ts';
import { freePort } from '../support/ports.ts';

/** A step that a job asks about: it goes on when `answer` is called. */
export type Question = { step: number; attempt: number; pid: number; answer(): void };

/** Milliseconds that a test waits for a question at most. */
const patience = 60_000;

/** Starts the server of the test that replicas ask before each step of their job. */
export async function startExaminer() {
  const questions: Question[] = [];
  const server = createServer(async (request, response: ServerResponse) => {
    const { step, attempt, pid } = (await json(request)) as Question;
    questions.push({ step, attempt, pid, answer: () => void response.end() });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    /** Waits for the next question, of a process if one is given. */
    async next(ofPid?: number): Promise<Question> {
      for (const end = performance.now() + patience; performance.now() < end; await wait(10)) {
        const found = questions.findIndex(({ pid }) => ofPid === undefined || pid === ofPid);
        const [question] = found < 0 ? [] : questions.splice(found, 1);
        if (question) return question;
      }
      throw new Error(`No job has asked anything for ${patience} ms`);
    },
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export type Worker = ServiceProcess & { pid: number; lines: string[] };

/** Starts a replica, and resolves when it is ready. */
export async function startWorker(settings: Record<string, string>): Promise<Worker> {
  const lines: string[] = [];
  const env = {
    PATH: process.env.PATH,
    ...{ PORT: String(await freePort()), MANAGEMENT_PORT: String(await freePort()), DRAIN_DELAY_MS: '1000' },
    ...settings,
  };
  const main = new URL('worker.fixture.ts', import.meta.url);
  const started = startProcess('worker', main, env, (line) => void lines.push(line));
  await started.ready;
  return { ...started, pid: started.child.pid ?? 0, lines };
}
