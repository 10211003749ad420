import { Agent } from 'undici';
import { outgoingHeaders } from '../telemetry/trace-context.ts';
import type { Bulkhead } from './bulkhead.ts';
import { isStream, type UpstreamRequest, type UpstreamResponse } from './call.ts';
import { failureOf } from './call-failure.ts';
import type { Deadline } from './deadline.ts';
import { discover } from './discovery.ts';

/** Maximum number of connections to one address. */
const connections = 64;
/** Milliseconds within which a connection must be made. */
const connectTimeout = 1_000;

/** Sends single requests to a service, at any of its addresses that accepts a connection. */
export type Sender = {
  send(request: UpstreamRequest, deadline: Deadline): Promise<UpstreamResponse>;
  close(): Promise<void>;
};

/** @param bulkhead the bulkhead in which each call has a slot until its response was read */
export function createSender(service: string, address: string, bulkhead: Bulkhead): Sender {
  // The deadline of a call includes all of these, so undici's own timeouts are off.
  const agent = new Agent({ connections, connectTimeout, headersTimeout: 0, bodyTimeout: 0 });
  const discovery = discover(service, address);

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
    const { method, path, headers, body } = request;
    const end = discovery.begin(origin);
    try {
      const response = await agent.request({
        origin,
        method,
        path,
        body,
        headers: { ...headers, ...outgoingHeaders(deadline.left()) },
        signal: deadline.signal,
      });
      response.body.once('close', end);
      // A draining service closes each connection after its response; DNS returns its address for some seconds more.
      if (response.headers.connection === 'close') discovery.skipLeaving(origin);
      return response;
    } catch (error) {
      end();
      if (deadline.overdue()) discovery.skipLeaving(origin);
      throw error;
    }
  }

  return {
    send(request, deadline) {
      const leave = bulkhead.enter();
      const sent = toAnyAddress(request, deadline);
      sent.then(({ body }) => body.once('close', leave), leave);
      // undici checks the signal of a request only when it has a connection for it.
      return Promise.race([sent, deadline.expired]);
    },
    async close() {
      discovery.close();
      if (!agent.closed) await agent.close();
    },
  };
}
