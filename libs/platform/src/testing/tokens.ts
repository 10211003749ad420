import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { tokenAudience, tokenIssuer } from '../http/tokens.ts';
import { startServer } from './http-server.ts';

/** Makes a signing key, and signs access tokens with it as the users service does. */
export async function createTokenSigner() {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA');
  const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA', use: 'sig' }] };
  const tokenFor = (subject: string, ...roles: string[]) => tokenIssuedAt(new Date(), subject, ...roles);
  const tokenIssuedAt = (issuedAt: Date, subject: string, ...roles: string[]) =>
    new SignJWT({ roles })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'test' })
      .setIssuedAt(issuedAt)
      .setSubject(subject)
      .setIssuer(tokenIssuer)
      .setAudience(tokenAudience)
      .setExpirationTime('5m')
      .sign(privateKey);
  return { keySet, tokenFor, tokenIssuedAt };
}

/** Starts a server that publishes the key of a token signer, for the services that check its tokens. */
export async function startTokenIssuer() {
  const { keySet, ...sign } = await createTokenSigner();
  const { origin, stop } = await startServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(keySet));
  });
  return { url: origin, ...sign, stop };
}
