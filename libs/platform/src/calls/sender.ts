import { Agent } from 'undici';
import { outgoingHeaders } from '../telemetry/trace-context.ts';
import type { Bulkhead } from './bulkhead.ts';
import { isStream, type UpstreamRequest, type UpstreamResponse } from './call.ts';
import { faultOf } from './call-fault.ts';
import type { Deadline } from './deadline.ts';
import { discover } from './discovery.ts';

/** Most connections to one address. */
const connections = 64;
/** Milliseconds in which an address must take a connection. */
const connectTimeout = 1_000;

/** Sends single requests to a service, to whichever of its addresses takes a connection. */
export type Sender = {
  send(request: UpstreamRequest, deadline: Deadline): Promise<UpstreamResponse>;
  close(): Promise<void>;
};

/** @param bulkhead where each call takes a place until its answer has been read */
export function createSender(service: string, address: string, bulkhead: Bulkhead): Sender {
  // The deadline of each call bounds it as a whole, so undici's own timeouts are off.
  const agent = new Agent({ connections, connectTimeout, headersTimeout: 0, bodyTimeout: 0 });
  const discovery = discover(service, address);

  /** A request that no address has seen may go to the next one, whatever its method. */
  async function toAnyAddress(request: UpstreamRequest, deadline: Deadline): Promise<UpstreamResponse> {
    await discovery.ready();
    const tried = new Set<string>();
    for (let origin = discovery.pick(); ; ) {
      try {
        return await sendTo(origin, request, deadline);
      } catch (error) {
        if (faultOf(error) !== 'unreached' || origin === undefined) throw error;
        discovery.rest(origin);
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
      // A service that drains closes each connection after its answer; DNS tells it for some seconds more.
      if (response.headers.connection === 'close') discovery.avoid(origin);
      return response;
    } catch (error) {
      end();
      if (deadline.overdue()) discovery.avoid(origin);
      throw error;
    }
  }

  return {
    send(request, deadline) {
      const leave = bulkhead.enter();
      const sent = toAnyAddress(request, deadline);
      sent.then(({ body }) => body.once('close', leave), leave);
      // undici looks at the signal of a request only when a connection is free for it.
      return Promise.race([sent, deadline.expired]);
    },
    async close() {
      discovery.close();
      if (!agent.closed) await agent.close();
    },
  };
}
