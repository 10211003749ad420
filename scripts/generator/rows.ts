/** The rows of a service in the files that list services and cannot read the table of the system. */
import { clusterRows } from './cluster-rows.ts';
import { composeRows } from './compose-rows.ts';
import { conformanceRows } from './conformance-rows.ts';
import type { Edit } from './edits.ts';
import { importAfter } from './imports.ts';
import { meshRows } from './mesh-rows.ts';
import type { Names } from './names.ts';
import { skaffoldRow } from './skaffold-row.ts';
import type { Store } from './templates.ts';
import type { Tree } from './tree.ts';

export function rowsOf(tree: Tree, names: Names, store: Store, port: number): Edit[] {
  return [
    systemRow(names, store, port),
    ...contractRows(tree, names),
    ...pageRows(names),
    ...telemetryRows(names),
    ...composeRows(names, store),
    ...clusterRows(names, store),
    ...meshRows(names),
    skaffoldRow(tree, names, store),
    ...conformanceRows(tree, names, store),
  ];
}

function systemRow({ name, Name }: Names, store: Store, port: number): Edit {
  const row = `  ${name}: {
    help: '${Name}.',
    port: ${port},
    management: ${port + 100},
    calls: [],
    eventsTo: [],
    readsKeys: true,
    store: '${store}',
    serviceToken: false,
    jobs: false,
  },
`;
  return { file: 'scripts/system.ts', section: 'export const system', before: '});\n', row };
}

function contractRows(tree: Tree, { name }: Names): Edit[] {
  const file = 'libs/contracts/src/operations.ts';
  const before = importAfter(tree, file, `./${name}.ts`) ?? '\n/** The contract';
  return [
    { file, before, row: `import * as ${name} from './${name}.ts';\n` },
    { file, section: 'const contracts = {', before: ', gateway };', row: `, ${name}` },
  ];
}

/** The tables between the marks are written from the code. */
function pageRows({ name }: Names): Edit[] {
  const row = `## ${name}\n\n<!-- ${name} -->\n<!-- /${name} -->\n\n`;
  const removed = new RegExp(`## ${name}\\n\\n<!-- ${name} -->\\n[^]*?<!-- /${name} -->\\n\\n`);
  return [
    { file: 'docs/settings.md', before: '## `npm start`\n', row, removed },
    { file: 'docs/metrics.md', before: '## Add your own metric\n', row, removed },
  ];
}

function telemetryRows({ name }: Names): Edit[] {
  const folder = 'k8s/observability';
  return [
    {
      file: `${folder}/prometheus/scrape/compose.yml`,
      section: 'names: [',
      before: ']',
      row: `, ${name}`,
    },
    {
      file: `${folder}/prometheus/rules/availability.yml`,
      section: 'absent(build_info',
      before: '\n        for:',
      row: `\n            or absent(build_info{service="${name}"})`,
    },
    {
      file: `${folder}/kustomization.yaml`,
      row: `  - name: dashboard-${name}\n    files:\n      - grafana/dashboards/slipway-${name}.json\n`,
    },
    {
      file: `${folder}/workloads/grafana.yaml`,
      section: 'name: dashboard-',
      before: '        - name: datasources\n',
      row: `              - configMap:\n                  name: dashboard-${name}\n`,
    },
  ];
}
