import type { Edit } from './edits.ts';
import type { Names } from './names.ts';

const folder = 'k8s/components/linkerd';

/** Returns rows that let the gateway call a service in a mesh, and the service read the key set of users. */
export function meshRows({ name }: Names): Edit[] {
  return [
    { file: `${folder}/servers.yaml`, row: server(name) },
    { file: `${folder}/routes.yaml`, row: route(name) },
    {
      file: `${folder}/authorizations.yaml`,
      section: 'name: from-verifiers\n',
      before: '---\n',
      row: `    - kind: ServiceAccount\n      name: ${name}\n`,
    },
    { file: `${folder}/authorizations.yaml`, row: authorization(name) },
  ];
}

const server = (name: string) => `---
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata:
  name: ${name}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: ${name}
  port: http
  proxyProtocol: HTTP/1
  accessPolicy: deny
`;

const route = (name: string) => `---
apiVersion: policy.linkerd.io/v1beta3
kind: HTTPRoute
metadata:
  name: ${name}-api
spec:
  parentRefs:
    - group: policy.linkerd.io
      kind: Server
      name: ${name}
  rules:
    - matches:
        - path:
            type: PathPrefix
            value: /api/
`;

const authorization = (name: string) => `---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata:
  name: ${name}-api
spec:
  targetRef:
    group: policy.linkerd.io
    kind: HTTPRoute
    name: ${name}-api
  requiredAuthenticationRefs:
    - group: policy.linkerd.io
      kind: MeshTLSAuthentication
      name: from-gateway
`;
