// A part of a view that loads its content, and can load it again.

import { element, heading } from './dom.js';
import { failureText } from './failure.js';

/**
 * Makes a section with a heading. While its content is loaded again, the previous content stays.
 *
 * @param {string} title
 * @param {(signal: AbortSignal) => Promise<Node[]>} load
 * @param {AbortSignal} signal ends the loading
 * @param options.refresh whether the section has a button that loads it again
 * @param options.after nodes below the content, which stay when it is loaded again
 * @returns the section, with `reload()`
 */
export function createPanel(title, load, signal, { refresh = false, after = [] } = {}) {
  const content = element('div', {}, element('p', { class: 'quiet' }, 'Loading …'));
  const failure = element('div', { role: 'alert', class: 'error' });
  let latest = 0;

  async function reload() {
    latest += 1;
    const own = latest;
    content.setAttribute('aria-busy', 'true');
    try {
      const nodes = await load(signal);
      if (own !== latest) return;
      failure.replaceChildren();
      content.replaceChildren(...nodes);
    } catch (error) {
      if (own === latest && !signal.aborted) failure.replaceChildren(...failureText(error));
    } finally {
      if (own === latest) content.removeAttribute('aria-busy');
    }
  }

  const again = refresh
    ? element('button', { type: 'button', onclick: reload, 'aria-label': `Refresh ${title}` }, 'Refresh')
    : undefined;
  const head = element('div', { class: 'head' }, heading(3, title), again);
  const section = element('section', {}, head, content, failure, ...after);
  reload();
  return Object.assign(section, { reload });
}
