import type { Operation, Output } from '@slipway/contract-kit/operation';
import { type Answer, send } from './http.ts';

/** Statuses after which the request is retried, because it is unknown whether it took effect. */
const unsettled = new Set([408, 429, 500, 502, 503, 504]);

/**
 * Sends a request until it gets a final response, as a careful client does: with the same body and the same
 * Idempotency-Key, across connection errors and restarts.
 *
 * @throws if there is no final response within 60 s
 */
export async function persist<Op extends Operation>(
  ...request: Parameters<typeof send<Op>>
): Promise<Answer<Output<Op>>> {
  const end = Date.now() + 60_000;
  for (;;) {
    const answer = await send<Op>(...request).catch(() => undefined);
    if (answer && !unsettled.has(answer.status) && !isInFlight(answer)) return answer;
    if (Date.now() > end)
      throw new Error(`${request[1].url}: no final response, last ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function isInFlight({ body }: Answer<unknown>): boolean {
  return (body as { code?: string } | undefined)?.code === 'request_in_flight';
}
