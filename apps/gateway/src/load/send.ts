import type { ClientRequest } from 'node:http';
import { http } from '@slipway/contract-kit/node-http';
import type { Outcome, SharedCounts } from './counts.ts';
import { clientTimeoutMs, dueAfter, outcomeOf } from './rules.ts';

export type Order = {
  requestsPerSecond: number;
  seconds: number;
  /** Requests in flight above which the due ones are not sent. */
  maxInFlight: number;
  /** Returns the address of a request by its number. */
  urlOf: (turn: number) => URL;
  headers: Record<string, string>;
};

/** Interval at which due requests are sent, and late ones are aborted; milliseconds. */
const tickMs = 2;

type InFlight = { request: ClientRequest; endsAt: number; isLate: boolean };

/**
 * Sends requests at a constant rate, whatever the responses are: an open loop, as independent people are. Resolves when
 * the last one has ended.
 *
 * @param counts to which each request is added when it is sent, and when it has ended
 */
export function sendLoad(order: Order, counts: SharedCounts): Promise<void> {
  const { requestsPerSecond, seconds, maxInFlight, urlOf, headers } = order;
  // A connection for each request, as independent people have. On connections that are used again, a few clients would go
  // before all others.
  const agent = new http.Agent({ keepAlive: false });
  const inFlight = new Set<InFlight>();

  function send(turn: number, now: number): void {
    const request = http.get(urlOf(turn), { agent, headers });
    const sent: InFlight = { request, endsAt: now + clientTimeoutMs, isLate: false };
    let outcome: Outcome = 'failed';
    request.once('response', (response) => {
      response.resume().once('end', () => {
        outcome = outcomeOf(response.statusCode ?? 0);
      });
    });
    // It is also closed after an error, and counted then.
    request.on('error', () => undefined);
    request.once('close', () => {
      inFlight.delete(sent);
      counts.add(sent.isLate ? 'late' : outcome);
    });
    inFlight.add(sent);
    counts.add('sent');
  }

  function abortLate(now: number): void {
    for (const sent of inFlight) {
      // They are in the order in which they were sent.
      if (sent.endsAt > now) break;
      if (sent.isLate) continue;
      sent.isLate = true;
      sent.request.destroy();
    }
  }

  const startedAt = performance.now();
  let turns = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now();
      abortLate(now);
      const due = dueAfter(now - startedAt, requestsPerSecond, seconds);
      // If this thread stood still, sending all that it missed at once would be another load.
      const missed = due - requestsPerSecond;
      for (; turns < due; turns += 1) {
        if (turns >= missed && inFlight.size < maxInFlight) send(turns, now);
        else counts.add('unsent');
      }
      if (now - startedAt < seconds * 1_000 || inFlight.size > 0) return;
      clearInterval(timer);
      agent.destroy();
      resolve();
    }, tickMs);
  });
}
