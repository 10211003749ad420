import { X509Certificate } from 'node:crypto';
import { command } from './command.ts';

const validDays = 365;

/** Time before its expiry at which a certificate is replaced; milliseconds. */
const renewBefore = 7 * 24 * 3_600_000;

/**
 * Creates a self-signed certificate for `localhost` and its key, both as PEM. This needs openssl, because Node cannot
 * create certificates.
 *
 * @throws {Error} if openssl is missing.
 */
export function newCertificate(): { certificate: string; key: string } {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const output = ['-days', String(validDays), '-keyout', '-', '-out', '-'];
  const pem = command('openssl', ['req', '-x509', ...curve, ...subject, ...output]);
  const start = pem.indexOf('-----BEGIN CERTIFICATE-----');
  return { key: pem.slice(0, start), certificate: pem.slice(start) };
}

/** Returns whether a certificate has expired or will expire within a week. */
export function endsSoon(certificate: string, now = Date.now()): boolean {
  return new X509Certificate(certificate).validToDate.getTime() - now < renewBefore;
}
