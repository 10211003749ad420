import type { Operation } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance } from 'fastify';
import { isHit } from './fault.ts';
import type { Faults } from './faults.ts';

/**
 * Makes requests slow, failing or hanging while there is a fault of the service. Register it after observation and the
 * guards, which then see the request as they would see one of a service that is really slow.
 *
 * The hook runs when the request was read, where a slow handler would run: before that, the client would count as slow.
 */
export function registerServiceFault(app: FastifyInstance, faults: Faults): void {
  app.addHook('preHandler', (request, reply, done) => {
    const fault = faults.service;
    if (fault === undefined) return done();
    const { isStream, hasNoFaults } = request.routeOptions.config as Partial<Operation['config']>;
    if (isStream || hasNoFaults || !isHit(fault)) return done();
    if (fault.kind === 'error') return done(problem('internal', 'An experiment makes this service fail'));
    const { raw } = reply;
    if (raw.destroyed) return done();
    const waited = faults.wait(fault.ms, (end) => raw.once('close', end));
    // Nobody waits for a response that was sent at the time limit, or whose client has disconnected.
    void waited.then(() => reply.sent || raw.destroyed || done());
  });
}
