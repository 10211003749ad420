// Says why a request failed, and which request it was.

import { element } from './dom.js';

/**
 * Returns the text of a failure, with the id that finds the request in logs and traces.
 *
 * @param {Error} error
 * @param {string[]} others errors in fields that the page does not show
 */
export function failureText(error, others = []) {
  const marked = (error.fields?.length ?? 0) > others.length;
  const { title, message } = error;
  const said = marked ? ['Check the marked fields'] : [...new Set([title ?? message, message])];
  const text = element('p', {}, [...said, ...others].map(toSentence).join(' '));
  if (!error.requestId) return [text];
  return [text, element('p', { class: 'quiet' }, 'Request ', element('code', {}, error.requestId))];
}

const toSentence = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);
