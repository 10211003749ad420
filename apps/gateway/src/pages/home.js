// Shows the view that the part of the address after `#` names, such as `#map`. What follows a slash belongs to the view.

import { showExperiments } from './experiments.js';

const main = document.getElementById('main');
const links = [...document.querySelectorAll('#views a')];

/** The view that is shown, and the function that stops it once its module is loaded. */
let shown = { name: '', stop: () => {} };

const nameIn = (hash) => hash.slice(1).split('/', 1)[0];

async function open() {
  const link = links.find((each) => nameIn(each.hash) === nameIn(location.hash)) ?? links[0];
  const name = nameIn(link.hash);
  if (name === shown.name) return;
  const isFirst = shown.name === '';
  shown.stop();
  const current = { name, stop: () => {} };
  shown = current;
  mark(link);

  const heading = document.createElement('h2');
  heading.textContent = link.textContent;
  heading.tabIndex = -1;
  const view = document.createElement('div');
  main.replaceChildren(heading, view);
  // A screen reader continues at the new view, as after the load of a page.
  if (!isFirst) heading.focus();
  try {
    const [{ show }] = await Promise.all([import(`/pages/views/${name}.js`), loadStyle(name)]);
    // Meanwhile, another view may have been chosen.
    if (shown === current) current.stop = show(view);
  } catch (error) {
    if (shown === current) shown = { name: '', stop: () => {} };
    view.replaceChildren(failure());
    throw error;
  }
}

function mark(link) {
  for (const each of links) {
    if (each === link) each.setAttribute('aria-current', 'page');
    else each.removeAttribute('aria-current');
  }
  document.title = `${link.textContent} – Slipway`;
}

function failure() {
  const text = document.createElement('p');
  text.setAttribute('role', 'alert');
  text.textContent = 'This view could not be loaded. Check the connection, and reload the page.';
  return text;
}

/** Resolves when the style sheet of a view applies. */
function loadStyle(name) {
  const href = `/pages/views/${name}.css`;
  if (document.querySelector(`link[href="${href}"]`)) return undefined;
  const sheet = document.createElement('link');
  sheet.rel = 'stylesheet';
  sheet.href = href;
  return new Promise((resolve, reject) => {
    sheet.onload = resolve;
    sheet.onerror = () => {
      sheet.remove();
      reject(new Error(`${href} could not be loaded`));
    };
    document.head.append(sheet);
  });
}

// Not by its address, because the part after `#` names the view.
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
showExperiments(document.getElementById('experiments'));
addEventListener('hashchange', open);
open();
