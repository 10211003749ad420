// The import rules of docs/architecture.md: imports point down only, and each technology has one place.
const inService = '^apps/[^/]+/src/';
const edges = `${inService}(main|app|config)\\.ts$|${inService}routes|\\.test\\.ts$|/test-|/store/`;
const tests = '\\.test\\.ts$';

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
      'platform-knows-no-service',
      'The platform is below every contract and service.',
      { path: '^libs/platform/' },
      { path: '^(apps|tests|scripts|libs/contracts)/' },
    ),
    forbid(
      'contracts-know-no-service',
      'Contracts are shared by services, so they are below them.',
      { path: '^libs/contracts/' },
      { path: '^(apps|tests|scripts)/' },
    ),
    forbid(
      'no-import-of-tests',
      'Tests are the top.',
      { path: '^(apps|libs|scripts)/', pathNot: tests },
      { path: '^tests/' },
    ),
    forbid(
      'driver-only-in-store',
      'A database driver belongs in store/.',
      { pathNot: ['/store/', tests, '^tests/', '/provider/', '^scripts/compose/'] },
      { path: ['^(node:)?sqlite$', 'node_modules/mongodb/', 'node_modules/@google-cloud/datastore/'] },
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
