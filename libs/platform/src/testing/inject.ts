import { setTimeout as wait } from 'node:timers/promises';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import type { App } from '../core/app.ts';

/** Sends a request, and sends it again if the service is overloaded, because a busy machine can slow any test down. */
export async function inject({ app }: { app: App }, request: InjectOptions): Promise<LightMyRequestResponse> {
  const answer = await app.inject(request);
  if (answer.statusCode !== 503 || answer.json().code !== 'overloaded') return answer;
  await wait(100);
  return inject({ app }, request);
}
