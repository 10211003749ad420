import { Type } from '@slipway/contract-kit/type';
import type { TProperties, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { Manifest } from './render.ts';

/** An object with these fields and no other. */
const only = (fields: TProperties) => Type.Object(fields, { additionalProperties: false });
const { Array: list, Optional: optional } = Type;
const name = Type.String({ pattern: '^[a-z0-9-]+$' });
const port = Type.Integer({ minimum: 1, maximum: 65_535 });
const seconds = (maximum: number) => Type.Integer({ minimum: 1, maximum });
const reference = (group: string, kinds: string[]) =>
  only({ group: Type.Literal(group), kind: Type.Enum(kinds), name });

const match = only({
  path: only({ type: Type.Enum(['Exact', 'PathPrefix']), value: Type.String({ pattern: '^/' }) }),
  method: optional(Type.Enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])),
});
const redirect = only({
  type: Type.Literal('RequestRedirect'),
  requestRedirect: only({ scheme: Type.Literal('https'), statusCode: Type.Enum([301, 302]) }),
});
const service = reference('', ['Service']);

/**
 * The allowed fields of kinds that kubeconform does not know: for each kind its version, and those of its
 * fields that our manifests use, by the reference of Gateway API, GKE and Linkerd; a new field is added here first.
 */
const specs: Record<string, TSchema> = {
  'gateway.networking.k8s.io/v1/Gateway': only({
    gatewayClassName: name,
    addresses: list(only({ type: Type.Literal('NamedAddress'), value: name })),
    listeners: list(
      only({
        name,
        protocol: Type.Enum(['HTTP', 'HTTPS']),
        port,
        allowedRoutes: only({ namespaces: only({ from: Type.Literal('Same') }) }),
      }),
    ),
  }),
  'gateway.networking.k8s.io/v1/HTTPRoute': only({
    parentRefs: list(only({ name, sectionName: name })),
    hostnames: list(Type.String()),
    rules: list(
      only({ filters: optional(list(redirect)), backendRefs: optional(list(only({ name, port }))) }),
    ),
  }),
  'networking.gke.io/v1/HealthCheckPolicy': only({
    targetRef: service,
    default: only({
      checkIntervalSec: seconds(300),
      timeoutSec: seconds(300),
      healthyThreshold: Type.Integer({ minimum: 1, maximum: 10 }),
      unhealthyThreshold: Type.Integer({ minimum: 1, maximum: 10 }),
      config: only({
        type: Type.Literal('HTTP'),
        httpHealthCheck: only({
          portSpecification: Type.Literal('USE_FIXED_PORT'),
          port,
          requestPath: Type.String({ pattern: '^/' }),
        }),
      }),
    }),
  }),
  'networking.gke.io/v1/GCPBackendPolicy': only({
    targetRef: service,
    default: only({
      timeoutSec: seconds(2_147_483_647),
      connectionDraining: only({ drainingTimeoutSec: seconds(3_600) }),
    }),
  }),
  'policy.linkerd.io/v1beta3/Server': only({
    podSelector: only({ matchLabels: Type.Record(Type.String(), Type.String()) }),
    port: Type.Union([name, port]),
    proxyProtocol: Type.Enum(['HTTP/1', 'HTTP/2', 'gRPC', 'opaque', 'TLS', 'unknown']),
    accessPolicy: Type.Literal('deny'),
  }),
  'policy.linkerd.io/v1beta3/HTTPRoute': only({
    parentRefs: list(reference('policy.linkerd.io', ['Server'])),
    rules: list(only({ matches: list(match) })),
  }),
  'policy.linkerd.io/v1alpha1/MeshTLSAuthentication': only({
    identityRefs: list(only({ kind: Type.Literal('ServiceAccount'), name })),
  }),
  'policy.linkerd.io/v1alpha1/AuthorizationPolicy': only({
    targetRef: reference('policy.linkerd.io', ['Server', 'HTTPRoute']),
    requiredAuthenticationRefs: list(reference('policy.linkerd.io', ['MeshTLSAuthentication'])),
  }),
};

/** Their names as kubeconform wants them. */
export const foreignKinds = Object.keys(specs);

/** Returns the errors in the objects of these kinds, such as `HTTPRoute users-api: /spec/rules/0 must have …`. */
export function foreignErrors(manifests: Manifest[]): string[] {
  return manifests.flatMap(({ apiVersion, kind, metadata, ...rest }) => {
    const spec = specs[`${apiVersion}/${kind}`];
    if (!spec) return [];
    const errors = Value.Errors(only({ spec }), rest);
    return errors.map(({ instancePath, message }) => `${kind} ${metadata.name}: ${instancePath} ${message}`);
  });
}
