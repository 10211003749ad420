import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestContext } from './request-context.ts';

/** A request that is being served. */
export type Served = {
  request: FastifyRequest;
  reply: FastifyReply;
  context: RequestContext;
  /** When it has taken too long, on the clock of `performance.now()`. */
  until: number;
};
