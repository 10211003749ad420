// Sends requests to the API of the gateway, and turns problem documents (RFC 9457) into errors.

/** Maximum number of attempts of a request that is answered with 503 and `Retry-After`. */
const maxAttempts = 4;
/** Maximum `Retry-After` that is waited for; milliseconds. */
const maxDelay = 5_000;
const idempotentMethods = new Set(['GET', 'PUT', 'DELETE']);

/** A request that failed, with what people need to know about it. */
export class RequestFailed extends Error {
  /** @param {{ code: string, status?: number, title?: string, detail: string, errors?: object[], correlationId?: string }} problem */
  constructor({ code, status, detail, title = detail, errors = [], correlationId }) {
    super(detail);
    this.name = 'RequestFailed';
    this.code = code;
    this.title = title;
    this.status = status;
    /** The fields that the problem names, such as `body.email`, each with a message. */
    this.fields = errors;
    /** Identifies the request in logs and traces. */
    this.requestId = correlationId;
  }
}

/**
 * Sends a request, and repeats it if the response is 503 with `Retry-After` and a repetition does no harm: the method is
 * idempotent, the request has an `Idempotency-Key`, or the caller says so.
 *
 * @param {string} method
 * @param {string} path such as `/api/v1/plans`
 * @param options.query parameters of the query; those that are undefined are left out
 * @param options.body sent as JSON
 * @param options.token access token
 * @param options.key value of `Idempotency-Key`
 * @param options.isRepeatable whether a repetition does no harm, for another reason than the method or the key
 * @param options.signal stops the request, and the wait before a retry
 * @param options.onRetry is called with the problem and the delay in seconds before a retry
 * @returns the body of the response; undefined if there is none
 * @throws {RequestFailed} with the code of the problem, or `unreachable` if there is no response
 *
 * @example
 * const { items } = await send('GET', '/api/v1/plans');
 */
export async function send(method, path, options = {}) {
  const { key, isRepeatable = key !== undefined || idempotentMethods.has(method) } = options;
  for (let attempt = 1; ; attempt += 1) {
    const response = await reach(method, path, options);
    if (response.ok) return response.content;
    const failed = failureOf(response);
    const delay = Number(response.retryAfter) * 1_000;
    const mayRetry = response.status === 503 && delay > 0 && delay <= maxDelay;
    if (!mayRetry || !isRepeatable || attempt === maxAttempts) throw failed;
    options.onRetry?.(failed, Math.ceil(delay / 1_000));
    options.signal?.throwIfAborted();
    await sleep(delay, options.signal);
  }
}

async function reach(method, path, { query = {}, body, token, key, signal }) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = given.length > 0 ? `?${new URLSearchParams(given)}` : '';
  const headers = {
    accept: 'application/json',
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(token && { authorization: `Bearer ${token}` }),
    ...(key && { 'idempotency-key': key }),
  };
  try {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const response = await fetch(path + search, { method, headers, body: content, signal });
    const retryAfter = response.headers.get('retry-after');
    return { ok: response.ok, status: response.status, retryAfter, content: parse(await response.text()) };
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new RequestFailed({ code: 'unreachable', detail: 'The gateway does not respond. Try again.' });
  }
}

/** A proxy in front of the gateway may send something else than JSON. */
function parse(text) {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failureOf({ status, content }) {
  if (typeof content?.code === 'string') return new RequestFailed({ ...content, status });
  return new RequestFailed({
    code: 'invalid_response',
    status,
    detail: `The response has status ${status}.`,
  });
}

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** Makes a random id. `crypto.randomUUID` exists only on pages that were loaded by HTTPS or from the same machine. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
