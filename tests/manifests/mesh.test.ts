import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { calledBy, serviceNames, system } from '../../scripts/system.ts';
import { type Manifest, ofKind, parse } from './render.ts';

type Reference = { kind: string; name: string };
type Match = { method?: string; path: { value: string } };
type Route = Manifest & { spec: { parentRefs: Reference[]; rules: { matches: Match[] }[] } };
type Policy = Manifest & { spec: { targetRef: Reference; requiredAuthenticationRefs: Reference[] } };
type Identities = Manifest & { spec: { identityRefs: Reference[] } };

const manifests = ['servers', 'routes', 'authorizations'].flatMap((name) =>
  parse(readFileSync(new URL(`../../k8s/components/linkerd/${name}.yaml`, import.meta.url), 'utf8')),
);

/** The requests that a policy is for, such as `reporting POST /internal/v1/events`. */
function requestsTo({ kind, name }: Reference): string[] {
  if (kind === 'Server') return [name];
  return ofKind<Route>(manifests, 'HTTPRoute')
    .filter(({ metadata }) => metadata.name === name)
    .flatMap(({ spec }) =>
      spec.rules.flatMap(({ matches }) =>
        matches.map(({ method = 'any', path }) => `${spec.parentRefs[0]?.name} ${method} ${path.value}`),
      ),
    );
}

/** The service accounts that a policy wants to see; none if anyone may call. */
function callersBy(authentications: Reference[]): string[] {
  const names = authentications.map(({ name }) => name);
  return ofKind<Identities>(manifests, 'MeshTLSAuthentication')
    .filter(({ metadata }) => names.includes(metadata.name))
    .flatMap(({ spec }) => spec.identityRefs.map(({ name }) => name));
}

it('the mesh lets each caller use the routes that it needs, and no other', () => {
  const policies = ofKind<Policy>(manifests, 'AuthorizationPolicy');
  const allowed = policies.flatMap(({ spec }) =>
    requestsTo(spec.targetRef).map((request) => [request, callersBy(spec.requiredAuthenticationRefs)]),
  );
  expect(allowed).toHaveLength(policies.length);
  const forwarded = calledBy('gateway').map((name) => [`${name} any /api/`, ['gateway']]);
  expect(Object.fromEntries(allowed)).toEqual({
    gateway: [],
    ...Object.fromEntries(forwarded),
    'users GET /.well-known/jwks.json': serviceNames.filter((name) => system[name].readsKeys),
    'reporting POST /internal/v1/events': serviceNames.filter((name) =>
      system[name].eventsTo.includes('reporting'),
    ),
  });
});
