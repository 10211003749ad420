import request from 'undici/lib/api/api-request.js';
import UndiciAgent from 'undici/lib/dispatcher/agent.js';

/**
 * The HTTP client of undici, with `dispatch` and `request`. undici's entry point also loads `fetch`, WebSocket, caches and
 * mocks, 109 modules instead of 24, and each start would pay for them (docs/decisions/0152-parts-of-undici.md).
 *
 * @example
 * const agent = new Agent({ connections: 1 });
 * const { statusCode } = await agent.request({ origin: 'http://127.0.0.1:9001', path: '/status', method: 'GET' });
 */
export class Agent extends UndiciAgent {
  readonly request = request;
}
