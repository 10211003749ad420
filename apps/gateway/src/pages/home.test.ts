import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';

const script = readFileSync(new URL('home.js', import.meta.url), 'utf8');

/** As much of an element as the page's script uses. */
function element() {
  const self = {
    textContent: '',
    hidden: true,
    children: [] as unknown[],
    classList: { add: () => undefined },
    append: (...children: unknown[]) => void self.children.push(...children),
    replaceChildren(...children: unknown[]) {
      self.children = children;
    },
  };
  return self;
}

/** Runs the script of the start page in front of a system. */
function open(system: object) {
  const elements = { services: element(), summary: element(), notices: element() };
  const page = createContext({
    document: {
      getElementById: (id: keyof typeof elements) => elements[id],
      createElement: element,
    },
    fetch: async () => ({ ok: true, json: async () => system }),
    setInterval: () => undefined,
  });
  runInContext(script, page);
  return elements;
}

describe('the start page', () => {
  const service = { name: 'billing', state: 'ready', down: [] };

  it('shows what a service wants everyone to know', async () => {
    const notice = 'The test clock is on.';
    const { notices } = open({ ready: true, services: [service, { ...service, notices: [notice] }] });
    await vi.waitFor(() => expect(notices.hidden).toBe(false));
    expect(notices.children).toMatchObject([{ textContent: notice }]);
  });

  it('shows no list if there is nothing to know', async () => {
    const { notices, summary } = open({ ready: true, services: [service] });
    await vi.waitFor(() => expect(summary.textContent).toBe('All services are ready.'));
    expect(notices).toMatchObject({ hidden: true, children: [] });
  });
});
