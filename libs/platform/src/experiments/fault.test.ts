import { describe, expect, it } from 'vitest';
import { checkExperiment } from './check.ts';
import { describeFault, isHit, parseFault } from './fault.ts';

describe('the setting of a fault', () => {
  it.each([
    ['store:latency:500ms', { on: 'store', kind: 'latency', ms: 500 }],
    ['service:latency:60000ms', { on: 'service', kind: 'latency', ms: 60_000 }],
    ['service:error', { on: 'service', kind: 'error' }],
    ['store:hang', { on: 'store', kind: 'hang' }],
    ['service:error:20%', { on: 'service', kind: 'error', share: 0.2 }],
    ['store:latency:1ms:100%', { on: 'store', kind: 'latency', ms: 1, share: 1 }],
  ])('%s is understood', (text, fault) => {
    expect(parseFault(text)).toEqual(fault);
  });

  it.each([
    'store',
    'store:latency',
    'store:latency:500',
    'store:latency:0ms',
    'store:latency:60001ms',
    'service:error:500ms',
    'service:error:0%',
    'service:error:101%',
    'queue:error',
    ' service:error',
    'service:error\n',
  ])('%j is not', (text) => {
    expect(parseFault(text)).toBeUndefined();
  });
});

describe('a fault', () => {
  it.each([
    ['store:latency:500ms', 'Each store command takes 500 ms longer.'],
    ['service:latency:500ms:5%', '5 % of the requests take 500 ms longer.'],
    ['service:error', 'Each request fails.'],
    ['store:error:20%', '20 % of the store commands fail.'],
    ['store:hang', 'Each store command hangs.'],
    ['service:hang:29%', '29 % of the requests hang.'],
  ])('%s is described for people', (text, description) => {
    const fault = parseFault(text);
    expect(fault && describeFault(fault)).toBe(description);
  });

  it('hits all, or a share by chance', () => {
    const fault = { on: 'service', kind: 'error' } as const;
    expect(isHit(fault, () => 0.999)).toBe(true);
    expect(isHit({ ...fault, share: 0.2 }, () => 0.19)).toBe(true);
    expect(isHit({ ...fault, share: 0.2 }, () => 0.2)).toBe(false);
  });
});

describe('an experiment', () => {
  const seconds = 10;

  it.each([
    ['neither a fault nor guards', { seconds }, 'body.fault'],
    ['latency without milliseconds', { fault: { on: 'service', kind: 'latency' }, seconds }, 'body.fault.ms'],
    [
      'an error with milliseconds',
      { fault: { on: 'service', kind: 'error', ms: 5 }, seconds },
      'body.fault.ms',
    ],
    [
      'a fault of the store where there is none',
      { fault: { on: 'store', kind: 'hang' }, seconds },
      'body.fault.on',
    ],
  ] as const)('with %s is rejected, and the field named', (_what, request, field) => {
    expect(checkExperiment(request, false)?.fields).toEqual([{ field, message: expect.any(String) }]);
  });

  it.each([
    { fault: { on: 'store', kind: 'hang' }, seconds },
    { fault: { on: 'service', kind: 'latency', ms: 5 }, seconds },
    { guards: 'off', seconds },
  ] as const)('%j is possible in a service with a store', (request) => {
    expect(checkExperiment(request, true)).toBeUndefined();
  });
});
