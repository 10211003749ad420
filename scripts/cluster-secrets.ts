/**
 * Creates what the cluster needs before Slipway is deployed, if it is missing: the namespace, the Secret
 * `slipway-secrets` with random values, and a self-signed certificate for the Ingress. Skaffold runs this script before
 * each deployment. Running it again only replaces a certificate that expires within a week.
 *
 * The script keeps the values of the Secret, except for URLs with the root account of MongoDB. So you can store real
 * values there first, such as the address of a managed database.
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

function ensureSecrets(kubectl: Kubectl): SecretValues {
  const stored = kubectl.readSecret(namespace, secretName);
  const values = completeSecrets(stored);
  const changed = !isDeepStrictEqual(values, stored);
  if (changed) kubectl.writeSecret(namespace, secretName, 'Opaque', values);
  say(secretName, changed);
  return values;
}

function ensureCertificate(kubectl: Kubectl): void {
  const { 'tls.crt': stored } = kubectl.readSecret(namespace, certificateName);
  const created = !stored || endsSoon(stored);
  if (created) {
    const { certificate, key } = newCertificate();
    const values = { 'tls.crt': certificate, 'tls.key': key };
    kubectl.writeSecret(namespace, certificateName, 'kubernetes.io/tls', values);
  }
  say(certificateName, created);
}

function say(secret: string, created: boolean): void {
  console.log(`Secret ${secret} ${created ? 'created' : 'already exists'}`);
}

function main(process: NodeJS.Process): void {
  // Skaffold sets this variable to the cluster that it deploys to.
  const kubectl = createKubectl(process.env.SKAFFOLD_KUBE_CONTEXT);
  kubectl.run(['apply', '-f', namespaceFile]);
  const { 'admin-email': admin } = ensureSecrets(kubectl);
  ensureCertificate(kubectl);
  console.log(`The administrator is ${admin}. This command prints the password:`);
  const read = `get secret ${secretName} -o jsonpath='{.data.admin-password}' | base64 -d`;
  console.log(`  kubectl -n ${namespace} ${read}`);
}

try {
  main(process);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
