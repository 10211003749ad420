// The session of the person who uses the page: log in, log out, and requests with the access token.

import { RequestFailed, send } from './api.js';

/** The tokens are stored for this tab, so that a reload does not end the session. */
const storageKey = 'slipway-tokens';
const endText = 'The session has ended. Log in again.';
/** Codes that end the session: a new access token cannot be had. */
const ended = new Set(['refresh_token_invalid', 'unauthenticated']);

let tokens = JSON.parse(sessionStorage.getItem(storageKey) ?? 'null');
/** The account of the session. */
let user;
let endReason = '';
/** The exchange of the refresh token that is in progress: a token can be exchanged once. */
let renewing;
const changes = new EventTarget();

/** Returns the account of the session; undefined if nobody is logged in, or it has not been loaded yet. */
export const currentUser = () => user;

/** Returns why the last session ended, unless its owner has logged out. */
export const reasonOfEnd = () => endReason;

export const isAdmin = () => user?.roles.includes('admin') ?? false;

/** Calls a listener when somebody has logged in or the session has ended, until the signal aborts. */
export function onSessionChange(listener, signal) {
  changes.addEventListener('change', listener, { signal });
}

/** Loads the account if the tab has a session. @returns the account, or undefined */
export async function restoreSession(signal) {
  if (tokens && !user) {
    try {
      user = await call('GET', '/api/v1/users/me', { signal });
    } catch (error) {
      if (tokens) throw error;
    }
  }
  return user;
}

/** Starts a session. */
export async function logIn({ email, password }) {
  const received = await send('POST', '/api/v1/sessions', { body: { email, password } });
  user = await send('GET', '/api/v1/users/me', { token: received.accessToken });
  store(received);
}

/** Ends the session. If the gateway does not respond, it ends here anyway, and for the gateway when it expires. */
export async function logOut() {
  const { refreshToken } = tokens ?? {};
  endSession();
  if (refreshToken) await send('POST', '/api/v1/sessions/logout', { body: { refreshToken } }).catch(() => {});
}

/**
 * Sends a request with the access token, which is renewed if it has expired. Takes the same options as `send`.
 *
 * @throws {RequestFailed} with `unauthenticated` if there is no session or it has ended
 */
export async function call(method, path, options = {}) {
  const token = tokens?.accessToken;
  if (!token) throw sessionEnded();
  try {
    return await send(method, path, { ...options, token });
  } catch (error) {
    if (error.code === 'unauthenticated') endSession(endText);
    if (error.code !== 'token_expired') throw error;
    // Another request may have renewed the token meanwhile.
    if (tokens?.accessToken === token) await renew();
    return send(method, path, { ...options, token: tokens?.accessToken });
  }
}

function renew() {
  renewing ??= exchange().finally(() => {
    renewing = undefined;
  });
  return renewing;
}

async function exchange() {
  const { refreshToken } = tokens;
  try {
    const received = await send('POST', '/api/v1/sessions/refresh', { body: { refreshToken } });
    // The person may have logged out meanwhile.
    if (tokens?.refreshToken === refreshToken) store(received);
  } catch (error) {
    if (!ended.has(error.code)) throw error;
    endSession(endText);
    throw sessionEnded(error.requestId);
  }
}

const sessionEnded = (correlationId) =>
  new RequestFailed({ code: 'unauthenticated', status: 401, detail: endText, correlationId });

function store(received) {
  const isNew = !tokens;
  tokens = received;
  sessionStorage.setItem(storageKey, JSON.stringify(tokens));
  if (isNew) changes.dispatchEvent(new Event('change'));
}

function endSession(reason = '') {
  endReason = reason;
  tokens = undefined;
  user = undefined;
  sessionStorage.removeItem(storageKey);
  changes.dispatchEvent(new Event('change'));
}
