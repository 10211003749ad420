import request from 'undici/lib/api/api-request.js';
import UndiciAgent from 'undici/lib/dispatcher/agent.js';

/**
 * The HTTP client of undici. Its index also loads `fetch`, WebSocket, caches and mocks, 110 modules instead of 24, and
 * each start would pay for them (docs/decisions/0152-parts-of-undici.md).
 *
 * @example
 * const agent = new Agent({ connections: 1 });
 * const { statusCode } = await agent.request({ origin: 'http://127.0.0.1:9001', path: '/status', method: 'GET' });
 */
export class Agent extends UndiciAgent {}

// The index of undici adds its functions to dispatchers in the same way.
Agent.prototype.request = request;
