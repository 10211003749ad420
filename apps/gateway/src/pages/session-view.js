// A view whose content depends on who is logged in.

import { element } from './dom.js';
import { failureText } from './failure.js';
import { onSessionChange, restoreSession } from './session.js';

/** Makes the sentence for everybody else, where only administrators have something. */
export function adminHint(sentence) {
  const link = element('a', { href: '#business' }, 'Log in as an administrator');
  return element('p', {}, `${sentence} `, link, ' in the view Business.');
}

/**
 * Shows content in an element, and shows it again whenever somebody logs in or a session ends.
 *
 * @param {Element} root
 * @param {(signal: AbortSignal) => Node[]} draw makes the content; the signal aborts when it is no longer shown
 * @returns the function that stops the view
 */
export function showForSession(root, draw) {
  const stopping = new AbortController();
  let leaving = new AbortController();

  function redraw() {
    leaving.abort();
    leaving = new AbortController();
    root.replaceChildren(...draw(AbortSignal.any([leaving.signal, stopping.signal])));
  }

  function fail(error) {
    if (stopping.signal.aborted) return;
    root.replaceChildren(element('div', { role: 'alert', class: 'error' }, ...failureText(error)));
  }

  onSessionChange(() => {
    redraw();
    // The element that had the focus is gone.
    root.querySelector('h3')?.focus();
  }, stopping.signal);
  root.replaceChildren(element('p', { class: 'quiet' }, 'Loading …'));
  restoreSession(stopping.signal).then(() => stopping.signal.aborted || redraw(), fail);
  return () => stopping.abort();
}
