// Sign-up, login and logout.

import { send } from '../../api.js';
import { element, heading } from '../../dom.js';
import { createForm } from '../../form.js';
import { logIn, logOut, reasonOfEnd } from '../../session.js';

const email = {
  name: 'email',
  label: 'E-mail address',
  type: 'email',
  required: true,
  autocomplete: 'username',
};

/** Makes the forms for people who are not logged in. */
export function accountForms() {
  const reason = element('p', { role: 'status', class: 'error' }, reasonOfEnd());
  return element('div', {}, reason, element('div', { class: 'columns' }, logInSection(), signUpSection()));
}

function logInSection() {
  const password = {
    name: 'password',
    label: 'Password',
    type: 'password',
    required: true,
    autocomplete: 'current-password',
  };
  const form = createForm({
    label: 'Log in',
    fields: [email, password],
    submit: 'Log in',
    async send(values) {
      await logIn(values);
      return '';
    },
  });
  return element('section', {}, heading(3, 'Log in'), form);
}

function signUpSection() {
  const name = { name: 'name', label: 'Name', required: true, maxlength: 100, autocomplete: 'name' };
  const password = {
    name: 'password',
    label: 'Password',
    type: 'password',
    required: true,
    minlength: 10,
    maxlength: 200,
    autocomplete: 'new-password',
    hint: '10 to 200 characters',
  };
  const form = createForm({
    label: 'Sign up',
    fields: [name, email, password],
    submit: 'Sign up',
    async send(values) {
      await send('POST', '/api/v1/users', { body: values });
      await logIn(values);
      return '';
    },
  });
  return element('section', {}, heading(3, 'Sign up'), form);
}

/** Makes the line that says who is logged in. */
export function accountBar({ name, email: address, roles }) {
  const role = roles.includes('admin') ? 'administrator' : 'customer';
  return element(
    'section',
    {},
    heading(3, 'Account'),
    element(
      'p',
      { id: 'account' },
      'You are logged in as ',
      element('strong', {}, name),
      ` (${address}), ${role}.`,
    ),
    element('button', { type: 'button', onclick: logOut }, 'Log out'),
  );
}
