import type { Edit } from './edits.ts';
import { importAfter } from './imports.ts';
import type { Names } from './names.ts';
import type { Store } from './templates.ts';
import type { Tree } from './tree.ts';

const file = 'tests/conformance/slipway.ts';

/** The rows of a service in its description for the conformance suite: the requests that the suite sends. */
export function conformanceRows(tree: Tree, names: Names, store: Store): Edit[] {
  const { name, Item } = names;
  const imported = `import * as ${name} from '@slipway/contracts/${name}';\n`;
  const requests = store === 'none' ? requestsOf(names) : requestsOfResource(names);
  return [
    { file, before: importAfter(tree, file, `@slipway/contracts/${name}`), row: imported },
    { file, section: '  return {\n    gateway:', before: '  };\n}\n', row: requests },
    ...(store === 'none'
      ? [
          {
            file,
            section: 'export const runningServices',
            before: '];\n',
            row: `  { name: '${name}', read: { path: ${name}.get${Item}Limits.url } },\n`,
          },
        ]
      : []),
  ];
}

const requestsOf = ({ name, Item }: Names) => `    ${name}: {
      read: { path: ${name}.get${Item}Limits.url },
      write: {
        method: 'POST',
        path: ${name}.summarize${Item}.url,
        headers: bearer(person.token),
        body: { text: 'To be' },
      },
      guarded: { method: 'POST', path: ${name}.summarize${Item}.url, body: { text: 'To be' } },
    },
`;

const requestsOfResource = ({ name, Name, Item }: Names) => `    ${name}: {
      read: { path: ${name}.list${Name}.url, headers: bearer(person.token) },
      write: creation(${name}.create${Item}.url, person.token, { text: 'To be' }),
      guarded: { path: ${name}.list${Name}.url },
      idempotent: {
        ...creation(${name}.create${Item}.url, person.token, { text: 'To be' }),
        otherBody: { text: 'Not to be' },
      },
    },
`;
