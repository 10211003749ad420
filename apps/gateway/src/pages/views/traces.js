// The last requests that failed, were slow, or came from administrators, and one of them as a waterfall.

import { element } from '../dom.js';
import { isAdmin } from '../session.js';
import { adminHint, showForSession } from '../session-view.js';
import { createList } from './traces/list.js';
import { createWaterfall } from './traces/waterfall.js';

/** Shows the view in an element until the returned function is called. */
export function show(root) {
  return showForSession(root, (signal) =>
    isAdmin() ? traceParts(signal) : [adminHint('Only administrators see traces.')],
  );
}

/** Shows the list, or the trace that the address names, such as `#traces/5485f7e08978492f910b425f5493e972`. */
function traceParts(signal) {
  const content = element('div', { class: 'traces' });
  let leaving = new AbortController();

  function draw() {
    leaving.abort();
    leaving = new AbortController();
    const [view, id] = location.hash.slice(1).split('/');
    if (view !== 'traces') return;
    const shown = AbortSignal.any([signal, leaving.signal]);
    content.replaceChildren(...(id ? createWaterfall(id, shown) : createList(shown)));
  }

  function follow() {
    draw();
    // The link that had the focus is gone.
    content.querySelector('h3')?.focus();
  }

  addEventListener('hashchange', follow, { signal });
  draw();
  return [content];
}
