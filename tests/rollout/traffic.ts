import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Operation } from '@slipway/contract-kit/operation';
import {
  getSubscription,
  getUnbilledUsage,
  importUsage,
  listPlans,
  listSubscriptions,
  recordUsage,
} from '@slipway/contracts/billing';
import { getRevenue } from '@slipway/contracts/reporting';
import { changeMe, getMe } from '@slipway/contracts/users';
import { type Client, createClient, type Message } from './client.ts';
import type { Crowd, Member } from './crowd.ts';
import { type Exchange, type Load, type Sample, startLoad } from './open-load.ts';

/** Makes the messages of one kind of request that a member sends. */
type Kind = { operation: Operation; message: (member: Member, crowd: Crowd) => Omit<Message, 'method'> };

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const json = (token: string) => ({ ...bearer(token), 'content-type': 'application/json' });

const read = (operation: Operation): Kind => ({
  operation,
  message: ({ token, subscriptionId }) => ({
    path: operation.url.replace(':subscriptionId', subscriptionId),
    headers: bearer(token),
  }),
});

const report: Kind = {
  operation: getRevenue,
  message: (_member, { admin }) => ({ path: getRevenue.url, headers: bearer(admin.token) }),
};

const rename: Kind = {
  operation: changeMe,
  message: ({ token }) => ({
    path: changeMe.url,
    headers: json(token),
    body: JSON.stringify({ name: `Ada ${randomUUID()}` }),
  }),
};

/** A record of one unit of usage. What its sender is told goes into the member's books. */
function newRecord(member: Member): string {
  member.sent += 1;
  const { subscriptionId } = member;
  const at = new Date().toISOString();
  return JSON.stringify({ id: randomUUID(), subscriptionId, metric: 'api_calls', quantity: 1, at });
}

const record: Kind = {
  operation: recordUsage,
  message: (member) => ({
    path: recordUsage.url,
    headers: json(member.token),
    body: newRecord(member),
    onSuccess: () => {
      member.acknowledged += 1;
    },
  }),
};

/** One record whose body takes 5 s to arrive, as over a bad line: the request is that long in every service. */
const slowRecord: Kind = {
  operation: recordUsage,
  message: (member, crowd) => {
    const whole = record.message(member, crowd);
    return { ...whole, body: inPieces(String(whole.body), 10, 500) };
  },
};

const uploadedLines = 30;

/** A file of usage that takes 6 s to upload. */
const upload: Kind = {
  operation: importUsage,
  message: (member) => ({
    path: importUsage.url,
    headers: { ...bearer(member.token), 'content-type': 'application/x-ndjson' },
    body: slowLines(member, uploadedLines, 200),
    onSuccess: (answer) => {
      member.acknowledged += (JSON.parse(answer) as { accepted: number }).accepted;
    },
  }),
};

function inPieces(text: string, pieces: number, pause: number): AsyncGenerator<string> {
  const size = Math.ceil(text.length / pieces);
  return paced(pieces, pause, (piece) => text.slice(piece * size, (piece + 1) * size));
}

function slowLines(member: Member, lines: number, pause: number): AsyncGenerator<string> {
  return paced(lines, pause, () => `${newRecord(member)}\n`);
}

/** Each piece when it is due: pauses one after another would add up the delays of a busy machine. */
async function* paced(
  pieces: number,
  pause: number,
  next: (piece: number) => string,
): AsyncGenerator<string> {
  const begin = performance.now();
  for (let piece = 0; piece < pieces; piece += 1) {
    await wait(Math.max(0, begin + (piece + 1) * pause - performance.now()));
    yield next(piece);
  }
}

/** Of 20 requests: all services, 15 reads, 5 writes. */
const mix: Kind[] = [
  ...Array<Kind>(5).fill(read(getMe)),
  ...Array<Kind>(3).fill(read(listSubscriptions)),
  ...Array<Kind>(2).fill(read(getSubscription)),
  ...Array<Kind>(2).fill(read(getUnbilledUsage)),
  ...Array<Kind>(1).fill(read(listPlans)),
  ...Array<Kind>(2).fill(report),
  ...Array<Kind>(1).fill(rename),
  ...Array<Kind>(4).fill(record),
];

export type Traffic = {
  /** Sends no more and resolves when the last answer is there: short requests apart from the long ones. */
  stop(): Promise<{ short: Sample[]; long: Sample[] }>;
  /** How many requests have been answered. */
  answered(): number;
};

/**
 * Sends what a crowd of users would: `rate` short requests a second, and beside them each second a slow one, and so many
 * uploads.
 */
export function startTraffic(base: string, crowd: Crowd, rate: number, uploads = 0.5): Traffic {
  const client = createClient(base);
  const shorts = startLoad(rate, turns(client, crowd, mix));
  const longs = [
    startLoad(1, turns(client, crowd, [slowRecord])),
    startLoad(uploads, turns(client, crowd, [upload])),
  ];
  const all: Load[] = [shorts, ...longs];
  return {
    async stop() {
      const [short = [], ...long] = await Promise.all(all.map((load) => load.stop()));
      client.close();
      return { short, long: long.flat() };
    },
    answered: () => all.reduce((sum, { samples }) => sum + samples.length, 0),
  };
}

/** Each turn is the next kind's and the next member's; a step of 7 through the kinds mixes them. */
function turns(client: Client, crowd: Crowd, kinds: readonly Kind[]) {
  return (turn: number): Exchange => {
    const kind = kinds[(turn * 7) % kinds.length];
    const member = crowd.members[turn % crowd.members.length];
    if (!kind || !member) throw new Error('There is nobody or nothing to send');
    const { method, schema } = kind.operation;
    return {
      name: schema.operationId,
      send: () => client.send({ method, ...kind.message(member, crowd) }),
    };
  };
}
