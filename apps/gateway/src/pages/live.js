// Receives the stream of the system for the page and all views, while the page is open.

import { compare } from './rates.js';

const path = '/api/v1/system/events';
/** Maximum number of readings that are stored: those of ten minutes. */
const maxReadings = 600;
/** Delay before the page connects again after the gateway has rejected it; milliseconds. */
const retryMs = 3_000;

const listeners = new Set();
/** The readings so far, oldest first, each with the rates since the one before. */
const readings = [];
let source;
let isLost = false;

/**
 * Calls a listener now and at every change, until the returned function is called.
 *
 * @param listener receives `{ readings, isLost }`; `isLost`: the stream has broken and is being opened again
 */
export function watchSystem(listener) {
  listeners.add(listener);
  listener({ readings, isLost });
  if (!source) connect();
  return () => listeners.delete(listener);
}

function connect() {
  const last = readings.at(-1);
  // The browser itself names the last event only when it connects again by itself.
  source = new EventSource(last ? `${path}?after=${last.id}` : path);
  source.onmessage = ({ lastEventId, data }) => receive(Number(lastEventId), JSON.parse(data));
  source.onerror = () => {
    isLost = true;
    tell();
    // Closed by an error of HTTP, after which a browser does not try again.
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(connect, retryMs);
  };
}

function receive(id, { at, services, load }) {
  const last = readings.at(-1);
  isLost = false;
  if (last && id <= last.id) return;
  const reading = { id, at: Date.parse(at), services, load };
  readings.push({ ...reading, services: compare(last, reading) });
  if (readings.length > maxReadings) readings.shift();
  tell();
}

function tell() {
  for (const listener of listeners) listener({ readings, isLost });
}
