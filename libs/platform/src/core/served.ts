import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestContext } from './request-context.ts';

/** A request in flight. */
export type Served = {
  request: FastifyRequest;
  reply: FastifyReply;
  context: RequestContext;
  /** When it reaches its time limit, on the clock of `performance.now()`. */
  endsAt: number;
};
