// Shows every service with its replicas, its store and its undelivered events, and the calls between them, as they are now.

import { announce, drawing, element, emptyTable, namedRow } from '../dom.js';
import { watchSystem } from '../live.js';
import { age, callsOf, figure, isThere, total } from '../rates.js';

/** Shows the view in an element until the returned function is called. */
export function show(view) {
  const summary = element('p', {
    class: 'quiet',
    role: 'status',
    text: 'Loading the state of the services.',
  });
  const notices = element('ul', { class: 'notices', 'aria-label': 'Notices', hidden: true });
  const lines = drawing('svg', { 'aria-hidden': 'true' });
  const columns = [0, 1, 2].map(() => element('div', { class: 'column' }));
  const map = element('div', { class: 'map' }, lines, ...columns);
  const heads = ['From', 'To', 'Per second', 'p99', 'Failed per second', 'Breaker', 'Retries left'];
  const [calls, rows] = emptyTable(
    'Calls',
    heads.map((head) => ({ head })),
  );
  view.append(summary, notices, map, element('h3', { text: 'Calls' }), calls);

  /** Services that publish events stand between the gateway and those that only read them. */
  const publishers = new Set();
  const columnOf = (service, index) => (index === 0 ? 0 : publishers.has(service.name) ? 1 : 2);
  let shown = [];
  const draw = () => drawCalls(lines, map, shown);

  const stop = watchSystem(({ readings, isLost }) => {
    const reading = readings.at(-1);
    if (!reading) {
      if (isLost) announce(summary, 'The gateway does not respond.');
      return;
    }
    const { at, services } = reading;
    for (const { name, replicas } of services)
      if (replicas.some(({ backlog }) => backlog)) publishers.add(name);
    for (const [index, column] of columns.entries()) {
      const inColumn = services.filter((service, position) => columnOf(service, position) === index);
      column.replaceChildren(...inColumn.map((service) => card(service, at)));
    }
    shown = callsOf(services);
    rows.replaceChildren(...shown.map(callRow));
    draw();
    map.classList.toggle('lost', isLost);
    showNotices(
      notices,
      services.flatMap((service) => service.notices),
    );
    announce(
      summary,
      isLost ? `The gateway does not respond. This was the state at ${clock(at)}.` : sentence(services),
    );
  });
  const resized = new ResizeObserver(draw);
  resized.observe(map);
  return () => {
    stop();
    resized.disconnect();
  };
}

const clock = (ms) => new Date(ms).toLocaleTimeString();

function sentence(services) {
  const isReady = ({ replicas }) => replicas.some(({ state }) => state === 'ready');
  const others = services.filter((service) => !isReady(service)).map(({ name }) => name);
  const leaving = services.flatMap(({ name, replicas }) => replicas.filter(isLeaving).map(() => name));
  if (others.length > 0) return `Not ready: ${others.join(', ')}.`;
  return leaving.length > 0
    ? `All services are ready. Draining: ${leaving.join(', ')}.`
    : 'All services are ready.';
}

const isLeaving = ({ state }) => state === 'draining' || state === 'closing';

function card({ name, replicas }, at) {
  const heading = element('h3', { text: name });
  const list = element('ul', {}, ...replicas.map((replica) => replicaItem(replica, at)));
  const parts = [storeLine(replicas), backlogLine(replicas, at)].filter(Boolean);
  return element(
    'section',
    { class: 'service', 'data-service': name, 'aria-label': name },
    heading,
    list,
    ...parts,
  );
}

function replicaItem(replica, at) {
  const { instance, state, history, version, perSecond, requests, down } = replica;
  const since = history.at(-1)?.at;
  const text = down.length > 0 && isThere(replica) ? `${state}: ${down.join(', ')} down` : state;
  const item = element(
    'li',
    { 'data-state': state },
    element('span', { class: `state ${state}`, text }),
    element('span', { class: 'since', text: since ? age(at - Date.parse(since)) : '' }),
    element('code', { text: [instance, version].filter(Boolean).join(' · ') }),
  );
  if (isThere(replica))
    item.append(element('span', { class: 'rates', text: traffic(perSecond, requests?.p99Ms) }));
  return item;
}

function traffic(perSecond, p99Ms) {
  const parts = [`${figure(perSecond?.count)}/s`];
  if (p99Ms !== undefined) parts.push(`p99 ${p99Ms} ms`);
  if (perSecond?.failed) parts.push(`${figure(perSecond.failed)}/s failed`);
  if (perSecond?.rejected) parts.push(`${figure(perSecond.rejected)}/s shed`);
  return parts.join(' · ');
}

/** Describes the store of a service, as its replicas see it. */
function storeLine(replicas) {
  const present = replicas.filter(isThere);
  const calls = present.flatMap((replica) => replica.calls.filter(({ to }) => to === 'store'));
  if (calls.length === 0) return undefined;
  const isDown = present.some(({ down }) => down.includes('store'));
  const p99 = calls.flatMap(({ p99Ms }) => p99Ms ?? []);
  const text = `store ${isDown ? 'down' : 'up'} · ${traffic(total(calls), p99.length > 0 ? Math.max(...p99) : undefined)}`;
  return element('p', { class: isDown ? 'store unreachable' : 'store', text });
}

/** Describes the undelivered events of a service. Its replicas share one outbox, so the largest count is the newest. */
function backlogLine(replicas, at) {
  const backlogs = replicas.filter(isThere).flatMap(({ backlog }) => backlog ?? []);
  if (backlogs.length === 0) return undefined;
  const { waiting, oldestAt } = backlogs.reduce((most, each) => (each.waiting > most.waiting ? each : most));
  const oldest = oldestAt ? `, the oldest ${age(at - Date.parse(oldestAt))} old` : '';
  return element('p', { class: 'backlog', text: `${waiting} events to deliver${oldest}` });
}

function callRow({ from, to, perSecond, p99Ms, breaker = '–', retriesLeft = '–' }) {
  const p99 = p99Ms === undefined ? '–' : `${p99Ms} ms`;
  return namedRow(from, to, figure(perSecond?.count), p99, figure(perSecond?.failed), breaker, retriesLeft);
}

/** Draws a line from each caller to the service on its right that it calls. */
function drawCalls(lines, map, calls) {
  const area = map.getBoundingClientRect();
  const boxes = new Map(
    [...map.querySelectorAll('[data-service]')].map((each) => [
      each.dataset.service,
      each.getBoundingClientRect(),
    ]),
  );
  lines.setAttribute('viewBox', `0 0 ${area.width} ${area.height}`);
  // On a narrow screen, the services stand one below the other, and the table alone shows the calls.
  const visible = calls.filter(({ from, to }) => boxes.get(to)?.left > boxes.get(from)?.right);
  const drawn = [...Map.groupBy(visible, ({ to }) => to)].flatMap(([to, incoming]) => {
    const sorted = incoming.toSorted(
      (one, other) => middle(boxes.get(one.from)) - middle(boxes.get(other.from)),
    );
    return sorted.map((call, index) => {
      const share = (index + 1) / (sorted.length + 1);
      return line(call, boxes.get(call.from), boxes.get(to), share, area);
    });
  });
  lines.replaceChildren(...drawn);
}

/** @param share where the line ends, from the top of the called service to its bottom */
function line(call, from, to, share, area) {
  const [x1, y1] = [from.right - area.left, middle(from) - area.top];
  const [x2, y2] = [to.left - area.left, to.top + to.height * share - area.top];
  const bend = (x2 - x1) / 2;
  const isBad = call.breaker === 'open' || call.perSecond?.failed > 0;
  const path = drawing('path', { d: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}` });
  const text = call.breaker === 'open' ? 'breaker open' : `${figure(call.perSecond?.count)}/s`;
  const label = drawing('text', { x: x2 - 8, y: y2 - 6, 'text-anchor': 'end', text });
  return drawing('g', { class: isBad ? 'call bad' : 'call' }, path, label);
}

const middle = ({ top, height }) => top + height / 2;

/** Shows what everyone must know, such as a setting for tests that is on. */
function showNotices(notices, texts) {
  const unique = [...new Set(texts)];
  notices.hidden = unique.length === 0;
  if (
    notices.children.length === unique.length &&
    unique.every((text, at) => notices.children[at].textContent === text)
  )
    return;
  notices.replaceChildren(...unique.map((text) => element('li', { text })));
}
