// Makes forms: each field has a label, and an error is shown beside the field that it names.

import { newId } from './api.js';
import { announce, element, uniqueId } from './dom.js';
import { failureText } from './failure.js';

/**
 * Makes a form that is sent by a script. A submission without a final response, because the connection broke or the
 * service failed, is sent again with the same idempotency key unless its values have changed.
 *
 * @param {string} options.label name of the form for screen readers
 * @param {object[]} options.fields each with `name`, `label`, and optionally `hint`, `options` of a choice as pairs of
 *   value and text, and attributes of the input
 * @param {string} options.submit text of the button
 * @param {(values: object, attempt: { key: string, onRetry: Function }) => Promise<string>} options.send returns what
 *   to say about the success
 * @returns the form, with `choose(name, options)` to replace the options of a choice
 */
export function createForm({ label, fields, submit, send }) {
  const controls = Object.fromEntries(fields.map((field) => [field.name, createControl(field)]));
  const button = element('button', { type: 'submit' }, submit);
  const status = element('p', { role: 'status', class: 'quiet' });
  const alert = element('div', { role: 'alert', class: 'error' });
  const form = element(
    'form',
    { 'aria-label': label, novalidate: true },
    ...Object.values(controls).map((control) => control.element),
    button,
    status,
    alert,
  );
  const submission = createSubmission(send);
  let isSending = false;

  form.onsubmit = async (event) => {
    event.preventDefault();
    if (isSending) return;
    clear();
    if (!checkInputs(controls)) return;
    isSending = true;
    button.setAttribute('aria-disabled', 'true');
    announce(status, 'Sending …');
    try {
      announce(status, await submission(valuesOf(controls), onRetry));
    } catch (error) {
      announce(status, '');
      showFailure(error);
    } finally {
      isSending = false;
      button.removeAttribute('aria-disabled');
    }
  };

  function clear() {
    alert.replaceChildren();
    for (const control of Object.values(controls)) control.showError('');
  }

  const onRetry = (failed, seconds) =>
    announce(status, `${failed.title}. The same request is sent again in ${seconds} s.`);

  function showFailure(error) {
    const others = [];
    for (const { field, message } of error.fields ?? []) {
      const control = controls[field.replace(/^\w+\./, '')];
      if (control) control.showError(message);
      else others.push(`${field} ${message}`);
    }
    alert.replaceChildren(...failureText(error, others));
    focusInvalid(controls);
  }

  return Object.assign(form, { choose: (name, options) => controls[name].choose(options) });
}

/** Returns the function that sends values, with the key of the last submission if that one may have had its effect. */
function createSubmission(send) {
  let open;
  return async (values, onRetry) => {
    const content = JSON.stringify(values);
    if (open?.content !== content) open = { content, key: newId() };
    try {
      const text = await send(values, { key: open.key, onRetry });
      open = undefined;
      return text;
    } catch (error) {
      const isFinal = error.status >= 400 && error.status < 500 && error.code !== 'request_in_flight';
      if (isFinal) open = undefined;
      throw error;
    }
  };
}

function createControl({ name, label, hint, options, ...attributes }) {
  const id = uniqueId(name);
  const described = [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(' ');
  const kind = options ? 'select' : 'input';
  const input = element(kind, { id, name, 'aria-describedby': described, ...attributes });
  const error = element('p', { id: `${id}-error`, class: 'error', hidden: true });
  const choose = (pairs) => {
    const chosen = input.value;
    input.replaceChildren(...pairs.map(([value, text]) => element('option', { value }, text)));
    if (pairs.some(([value]) => value === chosen)) input.value = chosen;
  };
  if (options) choose(options);
  return {
    input,
    choose,
    element: element(
      'div',
      { class: 'field' },
      element('label', { for: id }, label),
      input,
      hint && element('p', { id: `${id}-hint`, class: 'quiet' }, hint),
      error,
    ),
    showError(message) {
      announce(error, message);
      error.hidden = message === '';
      if (message) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
    },
  };
}

/** Checks what the browser knows about the fields, and says beside each what is wrong. */
function checkInputs(controls) {
  for (const { input, showError } of Object.values(controls)) showError(input.validationMessage);
  return !focusInvalid(controls);
}

/** Moves the focus to the first invalid field. @returns whether there is one */
function focusInvalid(controls) {
  const first = Object.values(controls).find(({ input }) => input.hasAttribute('aria-invalid'));
  first?.input.focus();
  return first !== undefined;
}

const valuesOf = (controls) =>
  Object.fromEntries(Object.entries(controls).map(([name, { input }]) => [name, input.value]));
