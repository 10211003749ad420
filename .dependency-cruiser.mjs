// The import rules of docs/architecture.md: imports point down only, and each technology has one place.
const inService = '^apps/[^/]+/src/';
const edges = `${inService}(main|analytics/main|app|console|config)\\.ts$|${inService}routes|\\.test\\.ts$|/testing/|/store/`;
const tests = '\\.test\\.ts$';

// The folders of the platform, lowest first. A folder may use those of the layers below it, and no other.
const order = [
  ['core'],
  ['experiments'],
  ['telemetry'],
  ['http', 'calls'],
  ['events'],
  ['overload'],
  ['jobs'],
  ['service'],
  ['testing'],
];
const layers = order.map((folders, index) => ({ folders, below: order.slice(0, index).flat() }));

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

export default {
  forbidden: [
    forbid('no-cycle', 'Information flows one way.', {}, { circular: true }),
    forbid(
      'no-app-to-app',
      'Call the other service through its contract.',
      { path: '^apps/([^/]+)/' },
      { path: '^apps/', pathNot: '^apps/$1/' },
    ),
    forbid(
      'contract-kit-on-typebox-alone',
      'Whoever wants the interfaces installs no driver and no Fastify.',
      { path: '^libs/contract-kit/', pathNot: tests },
      { pathNot: ['^libs/contract-kit/', 'node_modules/typebox/', '^node:|^(process|stream)$'] },
    ),
    forbid(
      'contracts-on-contract-kit-alone',
      'Contracts are shared by services and clients, so they are below them.',
      { path: '^libs/contracts/', pathNot: tests },
      { pathNot: ['^libs/(contracts|contract-kit)/', 'node_modules/typebox/', '^node:'] },
    ),
    forbid(
      'platform-knows-no-contract-store-or-service',
      'The platform is below every contract, store and service.',
      { path: '^libs/platform/' },
      { path: '^(apps|tests|scripts|libs/(contracts|store-[^/]+))/' },
    ),
    forbid(
      'stores-know-no-service-and-no-other-store',
      'A store library holds one technology.',
      { path: '^libs/(store-[^/]+)/' },
      { path: '^(apps|tests|scripts|libs)/', pathNot: '^libs/($1|platform|contract-kit)/' },
    ),
    ...layers.flatMap((layer) =>
      layer.folders.map((folder) =>
        forbid(
          `platform-layer-${folder}`,
          `Layers of the platform point down: ${folder} may use ${layer.below.join(', ') || 'no other folder'}.`,
          {
            path: `^libs/platform/src/${folder}/`,
            pathNot: [tests, '\\.(fixture|contract)\\.ts$'],
          },
          {
            path: '^libs/platform/src/',
            pathNot: `^libs/platform/src/(${[folder, ...layer.below].join('|')})/`,
          },
        ),
      ),
    ),
    forbid(
      'no-import-of-tests',
      'Tests are the top.',
      { path: '^(apps|libs|scripts)/', pathNot: tests },
      { path: '^tests/' },
    ),
    forbid(
      'no-import-of-test-helpers',
      'Images have no testing folders.',
      { path: '^(apps|libs)/', pathNot: [tests, '\\.(fixture|contract)\\.ts$', '/testing/'] },
      { path: '/testing/' },
    ),
    forbid(
      'driver-only-in-store',
      'A database driver belongs in store/.',
      {
        pathNot: [
          '/store/',
          '^libs/store-',
          tests,
          '^tests/',
          '/provider/',
          '^scripts/compose/',
          '^scripts/data-folder',
        ],
      },
      { path: ['^(node:)?sqlite$', 'node_modules/mongodb/', 'node_modules/@google-cloud/datastore/'] },
    ),
    forbid(
      'duckdb-only-in-analytics',
      'One file knows the API of DuckDB; all else is SQL.',
      { pathNot: ['^apps/reporting/src/analytics/duckdb\\.ts$'] },
      { path: 'node_modules/@duckdb/' },
    ),
    forbid(
      'fastify-only-at-the-edge',
      'Rules know nothing of HTTP.',
      { path: inService, pathNot: [edges, '^apps/gateway/'] },
      { path: 'node_modules/(fastify|@fastify)/' },
    ),
    forbid(
      'rules-do-no-io',
      'Domain files hold rules and the interface of their store; app.ts hands the store in.',
      { path: inService, pathNot: edges },
      { path: `${inService}(main|app|routes|store/)` },
    ),
    forbid(
      'routes-know-no-store-technology',
      'Routes get the store from app.ts, through the interface.',
      { path: `${inService}routes`, pathNot: tests },
      { path: `${inService}(main|app|store/)` },
    ),
    forbid(
      'store-knows-no-routes',
      'The store is below the rules.',
      { path: '/store/', pathNot: tests },
      { path: `${inService}(main|app|routes)` },
    ),
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
