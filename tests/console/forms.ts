/** Fills, sends and reads the forms of the console in a real browser, as a person does. */
import type { Page } from 'puppeteer-core';

const formOf = (name: string) => `form[aria-label="${name}"]`;

/** Fills the fields of a form by their names, and presses its button. */
export async function submit(page: Page, form: string, values: Record<string, string> = {}): Promise<void> {
  // Not by locators: on a busy machine they wait for frames that a browser without a window does not draw.
  const button = await page.waitForSelector(`${formOf(form)} button[type=submit]`, { visible: true });
  for (const [name, value] of Object.entries(values)) {
    await fill(page, `${formOf(form)} [name="${name}"]`, value);
  }
  await button?.click();
}

/** Sets a value as a person's input does, once the field takes it: the options of a choice may not be there yet. */
async function fill(page: Page, selector: string, value: string): Promise<void> {
  const [field, wanted] = [`document.querySelector(${JSON.stringify(selector)})`, JSON.stringify(value)];
  await page.waitForFunction(`${field} && (${field}.value = ${wanted}) === ${field}.value`, { polling: 100 });
  for (const type of ['input', 'change']) {
    await page.evaluate(`${field}.dispatchEvent(new Event('${type}', { bubbles: true }))`);
  }
}

/** Presses the button that has a name for screen readers. */
export async function press(page: Page, name: string): Promise<void> {
  const button = await page.waitForSelector(`button::-p-aria(${name})`, { visible: true });
  await button?.click();
}

/** Waits until an element that matches a selector contains a text. */
export async function shows(page: Page, text: string, selector = 'main'): Promise<void> {
  const [all, wanted] = [JSON.stringify(selector), JSON.stringify(text)];
  await page.waitForFunction(
    `[...document.querySelectorAll(${all})].some((element) => element.textContent.includes(${wanted}))`,
    { timeout: 15_000, polling: 100 },
  );
}

/** Waits until a form says how its submission went. */
export const says = (page: Page, form: string, text: string) => shows(page, text, formOf(form));

export type Account = { email: string; password: string };

export async function logIn(page: Page, { email, password }: Account): Promise<void> {
  await submit(page, 'Log in', { email, password });
  await shows(page, email, '#account');
}

export async function logOut(page: Page): Promise<void> {
  await press(page, 'Log out');
  await page.waitForSelector(formOf('Log in'));
}
