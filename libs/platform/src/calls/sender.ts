import { createHold } from '../core/hold.ts';
import { ageHeader, currentAge } from '../core/received-at.ts';
import { currentContext } from '../core/request-context.ts';
import { Agent } from '../core/undici.ts';
import { outgoingHeaders } from '../telemetry/trace-context.ts';
import { createBulkhead } from './bulkhead.ts';
import { isStream, type UpstreamRequest, type UpstreamResponse } from './call.ts';
import { failureOf } from './call-failure.ts';
import type { Deadline } from './deadline.ts';
import { discover } from './discovery.ts';
import { exchange } from './exchange.ts';

/** Maximum number of connections to one address. */
const connections = 64;
/** Maximum number of calls that run or wait for a connection. */
const slots = 256;
/** Maximum number of calls with a streamed body, and of the connections of their own that they use at one address. */
const streams = 16;
/** Milliseconds within which a connection must be made. */
const connectTimeout = 1_000;

/** Sends single requests to a service, at any of its addresses that accepts a connection. */
export type Sender = {
  /** Number of calls that run or wait for a connection. */
  readonly used: number;
  send(request: UpstreamRequest, deadline: Deadline): Promise<UpstreamResponse>;
  close(): Promise<void>;
};

/**
 * Each call has a slot until its response was read. A call with a streamed body lasts as long as its client likes, so
 * these have slots and connections of their own, and a client can have a few of them only.
 *
 * @param onRejected called for each rejected call
 */
export function createSender(service: string, address: string, onRejected?: () => void): Sender {
  // The deadline of a call includes all of these, so undici's own timeouts are off.
  const timeouts = { connectTimeout, headersTimeout: 0, bodyTimeout: 0 };
  const discovery = discover(service, address);
  const ordinary = {
    agent: new Agent({ connections, ...timeouts }),
    bulkhead: createBulkhead(service, {
      slots,
      permits: () => connections * Math.max(1, discovery.count()),
      clientShare: 0.5,
      clientCode: 'overloaded',
      onRejected,
    }),
  };
  const streamed = {
    agent: new Agent({ connections: streams, ...timeouts }),
    bulkhead: createBulkhead(service, {
      slots: streams,
      permits: () => streams,
      clientShare: 0.25,
      clientCode: 'rate_limited',
      onRejected,
    }),
  };
  const poolOf = (request: UpstreamRequest) => (isStream(request.body) ? streamed : ordinary);

  /**
   * Sends a request once it has a permit, which it holds until its response was read. Tries the next address if one cannot
   * be connected to, whatever the method: the request has not been sent then.
   */
  async function send(request: UpstreamRequest, deadline: Deadline): Promise<UpstreamResponse> {
    const entered = poolOf(request).bulkhead.enter(currentContext()?.share, deadline);
    // The call and its exchanges share it, and an exchange may outlive the call.
    const permit = createHold(typeof entered === 'function' ? entered : await entered);
    try {
      const found = discovery.ready();
      if (found) await Promise.race([found, deadline.expired]);
      const tried = new Set<string>();
      for (let origin = discovery.pick(); ; ) {
        try {
          return await sendTo(origin, request, deadline, permit.hold());
        } catch (error) {
          if (deadline.overdue()) discovery.skipHanging(origin);
          if (failureOf(error) !== 'unreachable' || origin === undefined) throw error;
          discovery.skipUnreachable(origin);
          tried.add(origin);
          const next = isStream(request.body) ? undefined : discovery.pick(tried);
          if (next === undefined) throw error;
          origin = next;
        }
      }
    } finally {
      permit.release();
    }
  }

  /** Sends a request to one address. `close` is called when its response was read, or it has failed. */
  async function sendTo(
    origin: string | undefined,
    request: UpstreamRequest,
    deadline: Deadline,
    close: () => void,
  ): Promise<UpstreamResponse> {
    const { agent } = poolOf(request);
    const { method, path, body } = request;
    // How long a streamed body takes does not show that an address hangs.
    const end = isStream(body) ? undefined : discovery.begin(origin);
    const options = { origin, method, path, body, headers: headersOf(request, deadline) };
    try {
      const response = await exchange(agent, options, deadline, close);
      // A draining service closes each connection after its response; DNS returns its address for some seconds more.
      // After an error of the client, the connection is closed because more of the request may follow.
      if (response.headers.connection === 'close' && response.statusCode < 400) discovery.skipLeaving(origin);
      return response;
    } finally {
      end?.();
    }
  }

  return {
    get used() {
      return ordinary.bulkhead.used + streamed.bulkhead.used;
    },
    send,
    async close() {
      discovery.close();
      const agents = [ordinary.agent, streamed.agent].filter(({ closed }) => !closed);
      await Promise.all(agents.map((agent) => agent.close()));
    },
  };
}

/** Returns the headers of a request, and what the service learns about the request that is being served. */
function headersOf({ headers, sendsAge }: UpstreamRequest, deadline: Deadline): UpstreamRequest['headers'] {
  const sent = { ...headers, ...outgoingHeaders(deadline.left()) };
  if (sendsAge) sent[ageHeader] = String(Math.ceil(currentAge()));
  return sent;
}
