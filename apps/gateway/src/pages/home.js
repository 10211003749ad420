// Shows the state of each service, and refreshes it every two seconds while the page is visible.

const services = document.getElementById('services');
const summary = document.getElementById('summary');
const notices = document.getElementById('notices');

function cell(text, ...classes) {
  const element = document.createElement('td');
  element.textContent = text;
  element.classList.add(...classes);
  return element;
}

function row({ name, state, version = '–', upSeconds, down }) {
  const element = document.createElement('tr');
  const text = down.length > 0 ? `${state}: ${down.join(', ')} down` : state;
  element.append(cell(name), cell(text, 'state', state), cell(version), cell(duration(upSeconds)));
  return element;
}

function duration(seconds) {
  if (seconds === undefined) return '–';
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ];
  const [size, unit] = units.find(([size]) => seconds >= size) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** Shows what everyone must know, such as a setting for tests that is on. */
function showNotices(texts) {
  const items = texts.map((text) => {
    const item = document.createElement('li');
    item.textContent = text;
    return item;
  });
  notices.replaceChildren(...items);
  notices.hidden = items.length === 0;
}

/** Sets the summary if it has changed: a screen reader announces every write to a live region. */
function announce(text) {
  if (summary.textContent !== text) summary.textContent = text;
}

async function refresh() {
  if (document.hidden) return;
  try {
    const response = await fetch('/api/v1/system');
    if (!response.ok) throw new Error(`status ${response.status}`);
    const system = await response.json();
    services.replaceChildren(...system.services.map(row));
    showNotices(system.services.flatMap((service) => service.notices ?? []));
    announce(system.ready ? 'All services are ready.' : 'Not every service is ready.');
  } catch {
    announce('The gateway does not respond. The states shown may be out of date.');
  }
}

refresh();
setInterval(refresh, 2_000);
