import { Readable } from 'node:stream';
import { Problem } from '@slipway/contract-kit/problem';
import { getUnbilledUsage, importUsage, recordUsage, UsageRecord } from '@slipway/contracts/billing';
import type { App } from '@slipway/platform/core/app';
import { mayAccess, principalOf } from '@slipway/platform/http/access';
import { registerLinger } from '@slipway/platform/http/linger';
import { invalidRequest } from '@slipway/platform/http/problem-responses';
import type { Principal } from '@slipway/platform/http/tokens';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import type { Counts } from '../counts.ts';
import { readLines } from '../ndjson.ts';
import type { SubscriptionStore } from '../subscriptions.ts';
import type { UsageStore } from '../usage.ts';
import { importLines, maxLine } from '../usage-import.ts';
import { type Recorder, record } from '../usage-recording.ts';
import { byMetric, subtract } from '../usage-totals.ts';
import { visible } from './ownership.ts';

type Parts = { subscriptions: SubscriptionStore; usage: UsageStore; clock: Clock; counts: Counts };

/** Registers the routes of usage: one record, a stream of records, and the usage that is not billed yet. */
export function registerUsageRoutes(app: App, parts: Parts): void {
  const recorderFor = (principal: Principal): Recorder => ({
    ...parts,
    mayRecord: ({ userId }) => mayAccess(principal, userId),
  });

  app.route({
    ...recordUsage,
    handler: async (request) => {
      const { body } = request;
      const [outcome] = await record(recorderFor(principalOf(request)), [body]);
      if (outcome instanceof Problem) throw outcome;
      return { id: body.id, duplicate: outcome === 'duplicate' };
    },
  });

  app.route({
    ...getUnbilledUsage,
    handler: async (request) => {
      const { subscriptionId } = request.params;
      const found = await parts.subscriptions.get(subscriptionId);
      const { billed } = visible(principalOf(request), found);
      return { items: subtract(byMetric(await parts.usage.totals(subscriptionId)), billed) };
    },
  });

  // The import has its own scope, because it accepts only NDJSON, and no other route accepts NDJSON.
  app.register(async (scope: App) => {
    // The response may be sent before the end of the body, and the rest must not keep it from arriving.
    registerLinger(scope);
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(importUsage.schema.consumes.slice(), (_request, payload, done) =>
      done(null, payload),
    );
    scope.route({
      ...importUsage,
      handler: async (request) => {
        const recorder = recorderFor(principalOf(request));
        const limits = { maxLine, maxBytes: importUsage.config.bodyLimit };
        return importLines(readLines(bodyOf(request), limits), {
          record: (batch) => record(recorder, batch),
          validate: (value) => validRecord(request, value),
          onInvalid: () => parts.counts.usage.refused.inc(),
        });
      },
    });
  });
}

/** Reads the body, and leaves the connection open when the reader stops before its end. */
function bodyOf({ body }: FastifyRequest): AsyncIterable<Buffer> {
  return (body instanceof Readable ? body : Readable.from([])).iterator({ destroyOnReturn: false });
}

/** Validates a line by the same rules as a JSON body, with the same error messages. */
function validRecord(request: FastifyRequest, value: unknown): UsageRecord {
  const validate = request.compileValidationSchema(UsageRecord, 'body');
  // A Fastify validator returns either `{ error }`, or `false` and sets its property `errors`.
  const result: unknown = validate(value);
  if (result === true) return value as UsageRecord;
  const { error } = result as { error?: typeof validate.errors };
  throw invalidRequest(error ?? validate.errors ?? []);
}
