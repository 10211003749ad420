// The load on a service: what runs, its goodput, and for administrators the controls, where experiments are allowed.

import { send } from '../../api.js';
import { announce, element, heading } from '../../dom.js';
import { secondsLeft } from '../../experiments.js';
import { failureText } from '../../failure.js';
import { experimentOf, goodputOf } from '../../goodput.js';
import { isAdmin } from '../../session.js';
import { adminHint, showForSession } from '../../session-view.js';
import { createControls } from './controls.js';
import { createGoodput } from './goodput.js';

/** Makes the section, with `update(readings, service)` for each reading, and `stop()`. */
export function createLoad() {
  const running = element('p');
  const goodput = createGoodput();
  const root = element('div');
  const stopping = new AbortController();
  let controls;
  let shown;
  let leave = () => {};

  function draw(signal) {
    controls = isAdmin() ? createControls(signal) : undefined;
    // The next reading may be a second away.
    if (shown) controls?.update(...shown);
    return controls ? [controls.element] : [adminHint('Only administrators send a load.')];
  }

  async function begin() {
    const { allowsExperiments } = await send('GET', '/api/v1/system', { signal: stopping.signal });
    if (allowsExperiments && !stopping.signal.aborted) leave = showForSession(root, draw);
  }
  begin().catch((error) => {
    if (!stopping.signal.aborted) root.replaceChildren(...failureText(error));
  });

  return {
    element: element('section', {}, heading(3, 'Load'), running, root, goodput.element),
    update(readings, service) {
      const last = readings.at(-1);
      if (!last) return;
      announce(running, whatRuns(last, service));
      goodput.update(goodputOf(readings, service));
      shown = [last, service];
      controls?.update(...shown);
    },
    stop() {
      stopping.abort();
      leave();
    },
  };
}

function whatRuns(reading, service) {
  const { load, at } = reading;
  const left = (each) => `${secondsLeft(each, at)} s left`;
  const texts = [];
  if (load?.isRunning)
    texts.push(
      `${load.service} gets ${load.requestsPerSecond} requests per second (${left(load)}): ` +
        `${load.answered} answered, ${load.rejected} rejected, ${load.late} too late, ${load.failed} failed, ` +
        `${load.unsent} not sent.`,
    );
  const experiment = experimentOf(reading, service);
  if (experiment?.guards === 'off') texts.push(`The guards of ${service} are off (${left(experiment)}).`);
  return texts.join(' ') || 'No load runs.';
}
