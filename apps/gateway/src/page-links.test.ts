import { StartError } from '@slipway/platform/core/start-error';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLinks } from './page-links.ts';
import { startGateway, type TestGateway } from './testing/service.ts';

describe('the links of the start page', () => {
  it('are pairs of name and address, comma-separated', () => {
    expect(readLinks(' Traces=http://localhost:9411/a?b=c , Dash boards=https://grafana\n')).toEqual([
      { name: 'Traces', url: 'http://localhost:9411/a?b=c' },
      { name: 'Dash boards', url: 'https://grafana/' },
    ]);
    expect(readLinks('')).toEqual([]);
  });

  it.each(['Traces', 'Traces=', '=http://a', 'Traces=javascript:alert(1)', 'Traces=http:', 'http://a/b=c'])(
    'are rejected at start if one is %j',
    (text) => expect(() => readLinks(text)).toThrow(StartError),
  );
});

describe('the start page', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ PAGE_LINKS: 'A & <b>=http://localhost:9411/?a="&b' });
  });
  afterAll(() => gateway.stop());

  it('shows the links, as text and not as HTML', async () => {
    const { body } = await gateway.app.inject({ url: '/', headers: { accept: 'text/html' } });
    expect(body).toContain('<a href="http://localhost:9411/?a=%22&amp;b">A &amp; &lt;b&gt;</a>');
    expect(body).not.toContain('{{');
  });

  it('shows no list if there are no links', async () => {
    const plain = await startGateway();
    const { body } = await plain.app.inject({ url: '/', headers: { accept: 'text/html' } });
    await plain.stop();
    expect(body).not.toContain('Other pages');
    expect(body).not.toContain('{{');
  });
});
