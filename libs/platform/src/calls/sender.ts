import { Agent } from 'undici';
import { ageHeader, currentAge } from '../core/received-at.ts';
import { currentContext } from '../core/request-context.ts';
import { outgoingHeaders } from '../telemetry/trace-context.ts';
import { createBulkhead } from './bulkhead.ts';
import { isStream, type UpstreamRequest, type UpstreamResponse } from './call.ts';
import { failureOf } from './call-failure.ts';
import type { Deadline } from './deadline.ts';
import { discover } from './discovery.ts';

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

  /** Tries the next address if one cannot be connected to, whatever the method: the request has not been sent then. */
  async function toAnyAddress(request: UpstreamRequest, deadline: Deadline): Promise<UpstreamResponse> {
    await discovery.ready();
    const tried = new Set<string>();
    for (let origin = discovery.pick(); ; ) {
      try {
        return await sendTo(origin, request, deadline);
      } catch (error) {
        if (failureOf(error) !== 'unreachable' || origin === undefined) throw error;
        discovery.skipUnreachable(origin);
        tried.add(origin);
        const next = isStream(request.body) ? undefined : discovery.pick(tried);
        if (next === undefined) throw error;
        origin = next;
      }
    }
  }

  async function sendTo(origin: string | undefined, request: UpstreamRequest, deadline: Deadline) {
    const { method, path, headers, body, sendsAge } = request;
    // How long a streamed body takes does not show that an address hangs.
    const end = isStream(body) ? () => undefined : discovery.begin(origin);
    try {
      const response = await poolOf(request).agent.request({
        origin,
        method,
        path,
        body,
        headers: {
          ...headers,
          ...outgoingHeaders(deadline.left()),
          ...(sendsAge && { [ageHeader]: String(Math.ceil(currentAge())) }),
        },
        signal: deadline.signal,
      });
      // A draining service closes each connection after its response; DNS returns its address for some seconds more.
      // After an error of the client, the connection is closed because more of the request may follow.
      if (response.headers.connection === 'close' && response.statusCode < 400) discovery.skipLeaving(origin);
      return response;
    } catch (error) {
      if (deadline.overdue()) discovery.skipHanging(origin);
      throw error;
    } finally {
      end();
    }
  }

  /** Sends a request once it has a permit, which it holds until its response was read. */
  async function withPermit(request: UpstreamRequest, deadline: Deadline): Promise<UpstreamResponse> {
    const leave = await poolOf(request).bulkhead.enter(currentContext()?.share, deadline.signal);
    try {
      const response = await toAnyAddress(request, deadline);
      response.body.once('close', leave);
      return response;
    } catch (error) {
      leave();
      throw error;
    }
  }

  return {
    get used() {
      return ordinary.bulkhead.used + streamed.bulkhead.used;
    },
    send(request, deadline) {
      const sent = withPermit(request, deadline);
      // undici checks the signal of a request only when it has a connection for it.
      return Promise.race([sent, deadline.expired]);
    },
    async close() {
      discovery.close();
      const agents = [ordinary.agent, streamed.agent].filter(({ closed }) => !closed);
      await Promise.all(agents.map((agent) => agent.close()));
    },
  };
}
