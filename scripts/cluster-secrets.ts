/**
 * Makes what must be in the cluster before Slipway is deployed, where it is not there yet: the namespace, the Secret
 * `slipway-secrets` with random values, and a self-signed certificate for the Ingress. Skaffold runs it before it
 * deploys; running it again changes nothing.
 *
 * A value that is in the Secret already is kept, so real ones (such as the address of a managed database) are put
 * there beforehand.
 */
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { endsSoon, newCertificate } from './cluster/certificate.ts';
import { createKubectl, type Kubectl } from './cluster/kubectl.ts';
import { completeSecrets, type SecretValues } from './cluster/secret-values.ts';

const namespace = 'slipway';
const secretName = 'slipway-secrets';
const certificateName = 'slipway-tls';

const namespaceFile = fileURLToPath(new URL('../k8s/namespace.yaml', import.meta.url));

function keepSecrets(kubectl: Kubectl): SecretValues {
  const kept = kubectl.readSecret(namespace, secretName);
  const values = completeSecrets(kept);
  const made = !isDeepStrictEqual(values, kept);
  if (made) kubectl.writeSecret(namespace, secretName, 'Opaque', values);
  say(secretName, made);
  return values;
}

function keepCertificate(kubectl: Kubectl): void {
  const { 'tls.crt': kept } = kubectl.readSecret(namespace, certificateName);
  const made = !kept || endsSoon(kept);
  if (made) {
    const { certificate, key } = newCertificate();
    const values = { 'tls.crt': certificate, 'tls.key': key };
    kubectl.writeSecret(namespace, certificateName, 'kubernetes.io/tls', values);
  }
  say(certificateName, made);
}

function say(secret: string, made: boolean): void {
  console.log(`Secret ${secret} ${made ? 'made' : 'is there'}`);
}

function main(process: NodeJS.Process): void {
  // Skaffold tells its hooks which cluster it deploys to.
  const kubectl = createKubectl(process.env.SKAFFOLD_KUBE_CONTEXT);
  kubectl.run(['apply', '-f', namespaceFile]);
  const { 'admin-email': admin } = keepSecrets(kubectl);
  keepCertificate(kubectl);
  console.log(`The administrator is ${admin}; the password:`);
  const read = `get secret ${secretName} -o jsonpath='{.data.admin-password}' | base64 -d`;
  console.log(`  kubectl -n ${namespace} ${read}`);
}

try {
  main(process);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
