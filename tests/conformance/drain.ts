import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { type Answer, readAnswer } from '../support/request.ts';
import type { Ask } from './service.ts';
import type { Target } from './target.ts';

/** The answers of a service that was told to stop. A string is the error of a request that failed. */
export type Drain = {
  /** Statuses of the probes, shortly after the signal. */
  ready: number;
  alive: number;
  /** Answers to requests that were sent after the signal, in the first half of the drain delay. */
  answers: (Answer | string)[];
  /** The answer to a request whose body ended after the drain delay. */
  held: Answer | string | undefined;
  /** Undefined if the process did not end in time. */
  exitCode: number | null | undefined;
};

/** Milliseconds after the drain delay within which a service ends that has nothing left to do. */
const stopsWithin = 5_000;

/** Tells a process to stop while requests are in flight and new ones are sent. */
export async function observeDrain(target: Target): Promise<Drain> {
  const { description, command, probes, process } = target;
  const { drainDelay } = command;
  const agent = new Agent({ keepAlive: true });
  await target.send(description.read, { agent });
  const held = description.write && holdRequest(target, description.write);
  await held?.sent;
  // When this one is answered, the service has received the head of the one before.
  await target.send(description.read);

  const toldAt = performance.now();
  process.kill('SIGTERM');
  const ready = await statusAfterSignal(target, drainDelay);
  const alive = await statusOf(target, probes.alive);
  const answers: Drain['answers'] = [];
  while (performance.now() - toldAt < drainDelay * 0.5) {
    answers.push(await target.send(description.read, { agent }).catch(String));
    answers.push(await target.send(description.read).catch(String));
    await wait(10);
  }
  await wait(Math.max(0, toldAt + drainDelay + 100 - performance.now()));
  const answer = await held?.finish();
  const exit = await Promise.race([process.exited, wait(stopsWithin, undefined, { ref: false })]);
  agent.destroy();
  process.kill('SIGKILL');
  return { ready, alive, answers, held: answer, exitCode: exit?.code };
}

/** Sends half of a body. `finish` sends the rest, and resolves with the answer. */
function holdRequest({ base }: Target, { method, path, headers, body }: Ask) {
  const text = JSON.stringify(body);
  const length = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  const sending = request(base + path, { method, headers: { ...headers, ...length } });
  const answer = new Promise<Answer>((resolve, reject) => {
    sending.once('response', (response) => readAnswer(response).then(resolve, reject)).once('error', reject);
  }).catch(String);
  const half = Math.floor(text.length / 2);
  return {
    /** Resolves when the head and half of the body were sent. */
    sent: new Promise<void>((resolve) => sending.write(text.slice(0, half), () => resolve())),
    finish: () => {
      sending.end(text.slice(half));
      return answer;
    },
  };
}

/** Returns the status of the readiness probe once it has changed, or after 40 % of the drain delay. */
async function statusAfterSignal(target: Target, drainDelay: number): Promise<number> {
  const end = performance.now() + drainDelay * 0.4;
  for (;;) {
    const status = await statusOf(target, target.probes.ready);
    if (status !== 200 || performance.now() > end) return status;
    await wait(10);
  }
}

async function statusOf(target: Target, path: string): Promise<number> {
  return target.probe(path).then(
    ({ status }) => status,
    () => 0,
  );
}
