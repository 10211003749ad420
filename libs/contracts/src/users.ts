import { jobOperations } from '@slipway/contract-kit/jobs';
import type { Operation } from '@slipway/contract-kit/operation';
import { Page, PageQuery } from '@slipway/contract-kit/page';
import { NoContent, responses } from '@slipway/contract-kit/responses';
import { Type } from '@slipway/contract-kit/type';
import type { Static } from 'typebox';
import { Id, Strict, smallBody, Timestamp } from './schemas.ts';

const tags = ['users'];

export const Role = Type.Enum(['member', 'admin']);
/** Rejects text that cannot be an e-mail address. Only a delivered message proves that an address exists. */
export const emailPattern = '^\\s*[^\\s@\\u0000-\\u001f\\u007f]+@[^\\s@\\u0000-\\u001f\\u007f]+\\s*$';
const Email = Type.String({
  pattern: emailPattern,
  maxLength: 254,
  description: 'E-mail address; case and surrounding spaces are ignored',
  examples: ['ada@example.com'],
});
const Password = Type.String({ minLength: 10, maxLength: 200, description: '10 to 200 characters' });
const Name = Type.String({ minLength: 1, maxLength: 100, pattern: '^[^\\u0000-\\u001f\\u007f]+$' });

export const User = Type.Object({
  id: Id,
  email: Email,
  name: Name,
  roles: Type.Array(Role),
  createdAt: Timestamp,
  version: Type.Integer(),
});
export type User = Static<typeof User>;

export const Tokens = Type.Object({
  accessToken: Type.String({ description: 'JSON Web Token, signed with EdDSA' }),
  refreshToken: Type.String({
    description: 'Can be exchanged once, or by several requests at the same time',
  }),
  tokenType: Type.Literal('Bearer'),
  expiresIn: Type.Integer({ description: 'Lifetime of the access token in seconds' }),
});
export type Tokens = Static<typeof Tokens>;

const RefreshToken = Strict({ refreshToken: Type.String({ minLength: 1, maxLength: 200 }) });
/** The version that a change is based on: the `ETag` of an earlier response. */
const IfMatch = Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 100 })) });

export const signUp = {
  method: 'POST',
  url: '/api/v1/users',
  schema: {
    operationId: 'signUp',
    summary: 'Creates an account',
    tags,
    body: Strict({ email: Email, password: Password, name: Name }),
    response: responses({ 201: User }),
  },
  config: { access: 'public', bodyLimit: smallBody },
} as const satisfies Operation;

export const logIn = {
  method: 'POST',
  url: '/api/v1/sessions',
  schema: {
    operationId: 'logIn',
    summary: 'Starts a session and returns its tokens',
    tags,
    body: Strict({ email: Email, password: Type.String({ maxLength: 200 }) }),
    response: responses({ 201: Tokens }),
  },
  config: { access: 'public', bodyLimit: smallBody },
} as const satisfies Operation;

export const refresh = {
  method: 'POST',
  url: '/api/v1/sessions/refresh',
  schema: {
    operationId: 'refresh',
    summary: 'Exchanges a refresh token for new tokens',
    description:
      'If several requests send the same refresh token at the same time, each gets new tokens of its own. A refresh ' +
      'token that was used before ends the session, because it may have been stolen.',
    tags,
    body: RefreshToken,
    response: responses({ 200: Tokens }),
  },
  config: { access: 'public', bodyLimit: smallBody },
} as const satisfies Operation;

export const logOut = {
  method: 'POST',
  url: '/api/v1/sessions/logout',
  schema: {
    operationId: 'logOut',
    summary: 'Ends a session; succeeds if it has already ended',
    tags,
    body: RefreshToken,
    response: responses({ 204: NoContent }),
  },
  config: { access: 'public', bodyLimit: smallBody },
} as const satisfies Operation;

export const checkSession = {
  method: 'GET',
  url: '/api/v1/sessions/current',
  schema: {
    operationId: 'checkSession',
    summary: "Checks that the session of the caller's access token has not ended",
    description:
      'An access token can be valid for some minutes after its session has ended. Some operations that cannot be undone check this.',
    tags,
    response: responses({ 204: NoContent }),
  },
  config: { access: 'member' },
} as const satisfies Operation;

export const getMe = {
  method: 'GET',
  url: '/api/v1/users/me',
  schema: {
    operationId: 'getMe',
    summary: "Returns the caller's account",
    tags,
    response: responses({ 200: User }),
  },
  config: { access: 'member' },
} as const satisfies Operation;

export const changeMe = {
  method: 'PATCH',
  url: '/api/v1/users/me',
  schema: {
    operationId: 'changeMe',
    summary: "Changes the caller's account",
    description:
      'Changing the e-mail address or the password requires the current password. A new password ends all other sessions.',
    tags,
    headers: IfMatch,
    body: Strict(
      {
        name: Type.Optional(Name),
        email: Type.Optional(Email),
        password: Type.Optional(Password),
        currentPassword: Type.Optional(Type.String({ maxLength: 200 })),
      },
      { minProperties: 1 },
    ),
    response: responses({ 200: User }),
  },
  config: { access: 'member', bodyLimit: smallBody },
} as const satisfies Operation;

/** Proves that the person with a token is the account's owner. */
const OwnPassword = Strict({
  currentPassword: Type.String({ maxLength: 200, description: "The account's password" }),
});

export const checkDeletion = {
  method: 'POST',
  url: '/api/v1/users/me/deletion',
  schema: {
    operationId: 'checkDeletion',
    summary: "Checks whether the caller's account can be deleted",
    description: 'Returns the same status as the deletion would, but deletes nothing.',
    tags,
    headers: IfMatch,
    body: OwnPassword,
    response: responses({ 204: NoContent }),
  },
  config: { access: 'member', bodyLimit: smallBody },
} as const satisfies Operation;

export const deleteMe = {
  method: 'DELETE',
  url: '/api/v1/users/me',
  schema: {
    operationId: 'deleteMe',
    summary: "Deletes the caller's account",
    description:
      'Requires the current password. Succeeds if the account is already deleted. The last administrator cannot be deleted.',
    tags,
    headers: IfMatch,
    body: OwnPassword,
    response: responses({ 204: NoContent }),
  },
  config: { access: 'member', bodyLimit: smallBody },
} as const satisfies Operation;

export const listUsers = {
  method: 'GET',
  url: '/api/v1/users',
  schema: {
    operationId: 'listUsers',
    summary: 'Lists accounts, oldest first',
    tags,
    querystring: PageQuery,
    response: responses({ 200: Page(User) }),
  },
  config: { access: 'admin' },
} as const satisfies Operation;

export const setRoles = {
  method: 'PUT',
  url: '/api/v1/users/:userId/roles',
  schema: {
    operationId: 'setRoles',
    summary: 'Sets the roles of an account',
    description: 'Every account has the role member. The last administrator cannot lose the role admin.',
    tags,
    params: Type.Object({ userId: Id }),
    body: Strict({ roles: Type.Array(Role, { minItems: 1, maxItems: 2, uniqueItems: true }) }),
    response: responses({ 200: User }),
  },
  config: { access: 'admin', bodyLimit: smallBody },
} as const satisfies Operation;

/** The public part of a signing key, as a JSON Web Key (RFC 7517 and 8037). */
export const PublicKey = Type.Object({
  kty: Type.Literal('OKP'),
  crv: Type.Literal('Ed25519'),
  x: Type.String(),
  kid: Type.String(),
  alg: Type.Literal('EdDSA'),
  use: Type.Literal('sig'),
});
export type PublicKey = Static<typeof PublicKey>;

export const getKeys = {
  method: 'GET',
  url: '/.well-known/jwks.json',
  schema: {
    operationId: 'getKeys',
    summary: 'Returns the public keys that verify access tokens',
    tags,
    response: responses({ 200: Type.Object({ keys: Type.Array(PublicKey) }) }),
  },
  config: { access: 'public' },
} as const satisfies Operation;

export const rotateKeys = {
  method: 'POST',
  url: '/api/v1/signing-keys',
  schema: {
    operationId: 'rotateKeys',
    summary: 'Creates a signing key',
    description:
      'The key is published immediately and signs tokens from `signsFrom`, when every service knows it. Older tokens stay valid.',
    tags,
    response: responses({ 201: Type.Object({ kid: Type.String(), signsFrom: Timestamp }) }),
  },
  config: { access: 'admin' },
} as const satisfies Operation;

export const jobs = jobOperations('users');
