import { setTimeout as wait } from 'node:timers/promises';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import type { App } from '../core/app.ts';

/** Sends a request, again if the service is overloaded: a busy machine may starve the process of a test. */
export async function inject({ app }: { app: App }, request: InjectOptions): Promise<LightMyRequestResponse> {
  const answer = await app.inject(request);
  if (answer.statusCode !== 503 || answer.json().code !== 'overloaded') return answer;
  await wait(100);
  return inject({ app }, request);
}
