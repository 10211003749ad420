import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { startZipkin } from '@slipway/platform/testing/zipkin';
import { eventually } from '../../support/people.ts';
import type { ServicePromise } from '../promise.ts';
import type { Target } from '../target.ts';

/** Number of requests in one check. */
const count = 40;

/**
 * Limit on new values of labels in a check. A service that others use, too, can get some meanwhile, such as a new status.
 * Values are counted and not series, because one new pair of known values is a whole histogram.
 */
const otherValues = count / 2;
const attempts = 3;

/** Promises about metrics with bounded labels, and traces that continue the caller's. */
export const telemetry: ServicePromise[] = [
  {
    id: 'counts',
    name: 'counts requests by their route',
    needs: ['management'],
    async check(target) {
      const route = target.description.read.path.split('?')[0] ?? '';
      const before = countOf(await seriesOf(target), route);
      for (let sent = 0; sent < count; sent++) await target.send(target.description.read);
      const counted = countOf(await seriesOf(target), route) - before;
      assert.ok(counted >= count, `${counted} of ${count} requests to ${route} were counted`);
    },
  },
  {
    id: 'bounded',
    name: 'makes no series for unknown paths',
    needs: ['management'],
    async check(target) {
      const send = () => target.send({ path: `/conformance/${randomUUID()}` });
      await send();
      let made = otherValues;
      for (let attempt = 1; attempt <= attempts && made >= otherValues; attempt++) {
        const before = labelValues(await seriesOf(target));
        for (let sent = 0; sent < count; sent++) await send();
        made = labelValues(await seriesOf(target)).difference(before).size;
      }
      const times = `${attempts} times in a row`;
      assert.ok(made < otherValues, `${count} unknown paths made ${made} values of labels, ${times}`);
    },
  },
  {
    id: 'trace',
    name: "continues the caller's trace",
    needs: ['command', 'traced'],
    async check(target) {
      const collector = await startZipkin();
      try {
        const traced = await target.start(target.command.traced?.(collector.endpoint));
        const [traceId, parentId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
        const headers = { traceparent: `00-${traceId}-${parentId}-01` };
        await traced.send(target.description.read, { headers });
        // Spans arrive in batches, and the span of a store command ends before that of its request.
        const arrived = async () =>
          collector.spans.some((span) => span.traceId === traceId && span.kind === 'SERVER');
        await eventually('a server span of the trace arrives at the collector', arrived, 5_000);
        const children = collector.spans.filter((span) => span.parentId === parentId);
        assert.equal(children.length, 1, `${children.length} spans have the caller's span as their parent`);
        assert.equal(children[0]?.kind, 'SERVER', `the span is of the kind ${children[0]?.kind}`);
      } finally {
        await collector.stop();
      }
    },
  },
];

/** Returns the lines of the exposition, without comments. */
async function seriesOf(target: Target): Promise<string[]> {
  const { body } = await target.probe(target.probes.metrics);
  return body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** Returns the values of all labels, such as `route="/plans"`. */
const labelValues = (series: string[]) =>
  new Set(series.flatMap((line) => line.match(/\w+="(?:[^"\\]|\\.)*"/g) ?? []));

/** Returns the sum of the counters of requests that have the route as a label. */
function countOf(series: string[], route: string): number {
  const counters = series.filter(
    (line) => /^\w*request\w*_(count|total)\{/.test(line) && line.includes(`"${route}"`),
  );
  return counters.reduce((sum, line) => sum + Number(line.split('} ')[1]?.split(' ')[0]), 0);
}
