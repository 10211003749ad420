// Shows the state of each service, and asks again every two seconds while the page is looked at.

const services = document.getElementById('services');
const summary = document.getElementById('summary');

function cell(text, ...classes) {
  const element = document.createElement('td');
  element.textContent = text;
  element.classList.add(...classes);
  return element;
}

function row({ name, state, version = '–', upSeconds, down }) {
  const element = document.createElement('tr');
  const text = down.length > 0 ? `${state}: no ${down.join(', ')}` : state;
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

/** Says a text once: a live region that is written anew is read out anew. */
function say(text) {
  if (summary.textContent !== text) summary.textContent = text;
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch('/api/v1/system');
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const system = await answer.json();
    services.replaceChildren(...system.services.map(row));
    say(system.ready ? 'All services are ready.' : 'Not every service is ready.');
  } catch {
    say('The gateway does not answer. What is shown may be old.');
  }
}

refresh();
setInterval(refresh, 2_000);
