// Lets administrators send a load to a service, and switch its guards off for a while.

import { announce, element, uniqueId } from '../../dom.js';
import { failureText } from '../../failure.js';
import { experimentOf } from '../../goodput.js';
import { call } from '../../session.js';

/** Duration of a load, and of a time without guards; seconds. */
const seconds = 60;
/** Requests per second. One process serves 250 of them. */
const rates = { min: 50, max: 2_000, step: 50, value: 250 };

/**
 * Makes the controls, with `update(reading, service)` for each reading. They are hidden until the first one.
 *
 * @param {AbortSignal} signal ends their requests
 */
export function createControls(signal) {
  const status = element('p', { role: 'status', class: 'quiet' });
  const alert = element('div', { role: 'alert', class: 'error' });
  let service = '';
  let reading;
  let isChanging = false;

  async function act(method, path, body, text) {
    isChanging = true;
    alert.replaceChildren();
    try {
      await call(method, `/api/v1/system/${path}`, { body, signal });
      announce(status, text);
    } catch (error) {
      if (!signal.aborted) alert.replaceChildren(...failureText(error));
    } finally {
      isChanging = false;
    }
  }

  const start = () => {
    const body = { service, requestsPerSecond: slider.value, seconds };
    return act('PUT', 'load', body, `${service} gets ${slider.value} requests per second for a minute.`);
  };
  const stop = () => act('DELETE', 'load', undefined, 'The load has ended.');
  const slider = createSlider(() => {
    const load = reading?.load;
    if (load?.isRunning && load.service === service) start();
  });
  const guards = createSwitch((areOn) => {
    // A fault of the service goes on.
    const { fault } = experimentOf(reading, service) ?? {};
    const path = `experiments/${service}`;
    if (!areOn)
      return act('PUT', path, { fault, guards: 'off', seconds }, `The guards of ${service} are off.`);
    const text = `The guards of ${service} are on.`;
    return fault ? act('PUT', path, { fault, seconds }, text) : act('DELETE', path, undefined, text);
  });
  const button = (text, onclick) => element('button', { type: 'button', onclick }, text);
  const buttons = element('div', { class: 'buttons' }, button('Start', start), button('Stop', stop));
  const parts = element('div', { class: 'controls', hidden: true }, slider.element, buttons, guards.element);
  const own = element('p', { hidden: true }, 'The gateway sends the load. Choose another service.');

  return {
    element: element('div', {}, own, parts, status, alert),
    update(last, chosen) {
      [reading, service] = [last, chosen];
      own.hidden = service !== 'gateway';
      parts.hidden = !own.hidden;
      if (!isChanging) guards.show(experimentOf(reading, service)?.guards !== 'off');
    },
  };
}

function createSlider(changed) {
  const id = uniqueId('rate');
  const shown = element('output', { for: id, text: rates.value });
  const input = element('input', {
    ...{ id, type: 'range', ...rates },
    oninput: () => announce(shown, input.value),
    onchange: changed,
  });
  const label = element('label', { for: id }, 'Requests per second');
  return {
    element: element('div', { class: 'field' }, label, input, shown),
    get value() {
      return Number(input.value);
    },
  };
}

function createSwitch(changed) {
  const id = uniqueId('guards');
  const input = element('input', {
    ...{ id, type: 'checkbox', role: 'switch', checked: true },
    onchange: () => changed(input.checked),
  });
  return {
    element: element(
      'div',
      { class: 'switch' },
      input,
      element('label', { for: id }, 'Guards against overload'),
    ),
    show: (areOn) => {
      input.checked = areOn;
    },
  };
}
