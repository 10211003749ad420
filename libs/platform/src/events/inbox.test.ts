import { expect, it, onTestFinished } from 'vitest';
import { createUpstream } from '../calls/upstream.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { hang } from '../testing/faulty-server.ts';
import { deliverTo } from './inbox.ts';
import { newEvent } from './new-event.ts';

it('aborts a delivery to a reader that does not answer, with the reason of the relay', async () => {
  const server = await hang();
  const upstream = createUpstream({
    name: 'reader',
    address: server.origin,
    metrics: createMetrics('test', '0'),
  });
  onTestFinished(() => upstream.close());
  const stopping = new AbortController();
  const delivery = deliverTo(upstream, 'token')([newEvent('shop', 'item.sold', {})], stopping.signal);
  await expect.poll(() => server.hits).toBe(1);
  stopping.abort(new Error('the relay stops'));
  await expect(delivery).rejects.toThrow('the relay stops');
});
