import { expect, it } from 'vitest';
import type { Watched } from './watched.ts';

/** @param level one that the services log at, so that lines of it are there */
export function secretsSuite(watched: () => Watched, level: string): void {
  it('shows no password, token, address or name in any span or log line', async () => {
    const { chain, journey } = watched();
    const spans = JSON.stringify(await chain.zipkin.traces());
    const lines = JSON.stringify(await chain.lines());
    for (const secret of journey.secrets) {
      expect(spans).not.toContain(secret);
      expect(lines).not.toContain(secret);
    }
    // The searched texts are complete: they contain values that must be there.
    expect(spans).toContain('user.signed_up');
    expect(lines).toContain(journey.correlationId);
    expect(lines).toContain(`"level":"${level}"`);
    expect(journey.secrets.length).toBeGreaterThan(25);
  });
}
