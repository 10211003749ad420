import type { Operation } from '@slipway/contract-kit/operation';
import { Page, PageQuery } from '@slipway/contract-kit/page';
import Type, { type Static } from 'typebox';
import { answers, Id, NoContent, Strict, smallBody, Timestamp } from './schemas.ts';

const tags = ['users'];

export const Role = Type.Enum(['member', 'admin']);
/** Only mail that arrives proves an address; this keeps out what cannot be one. */
export const emailPattern = '^\\s*[^\\s@\\u0000-\\u001f\\u007f]+@[^\\s@\\u0000-\\u001f\\u007f]+\\s*$';
const Email = Type.String({
  pattern: emailPattern,
  maxLength: 254,
  description: 'E-mail address; case and surrounding space do not matter',
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
  accessToken: Type.String({ description: 'EdDSA JWT' }),
  refreshToken: Type.String({ description: 'Good for one refresh' }),
  tokenType: Type.Literal('Bearer'),
  expiresIn: Type.Integer({ description: 'Seconds that the access token is valid' }),
});
export type Tokens = Static<typeof Tokens>;

const RefreshToken = Strict({ refreshToken: Type.String({ minLength: 1, maxLength: 200 }) });
/** The version a change is based on, as the `ETag` of the reading told it. */
const IfMatch = Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 100 })) });

export const signUp = {
  method: 'POST',
  url: '/api/v1/users',
  schema: {
    operationId: 'signUp',
    summary: 'Makes an account',
    tags,
    body: Strict({ email: Email, password: Password, name: Name }),
    response: answers({ 201: User }),
  },
  config: { access: 'public', bodyLimit: smallBody },
} as const satisfies Operation;

export const logIn = {
  method: 'POST',
  url: '/api/v1/sessions',
  schema: {
    operationId: 'logIn',
    summary: 'Starts a session',
    tags,
    body: Strict({ email: Email, password: Type.String({ maxLength: 200 }) }),
    response: answers({ 201: Tokens }),
  },
  config: { access: 'public', bodyLimit: smallBody },
} as const satisfies Operation;

export const refresh = {
  method: 'POST',
  url: '/api/v1/sessions/refresh',
  schema: {
    operationId: 'refresh',
    summary: 'Changes a refresh token for new tokens',
    description:
      'Of several requests with one refresh token, one gets tokens. A refresh token that had been used before ' +
      'the request was sent ends the whole session: it was stolen.',
    tags,
    body: RefreshToken,
    response: answers({ 200: Tokens }),
  },
  config: { access: 'public', bodyLimit: smallBody },
} as const satisfies Operation;

export const logOut = {
  method: 'POST',
  url: '/api/v1/sessions/logout',
  schema: {
    operationId: 'logOut',
    summary: 'Ends a session, if it has not ended',
    tags,
    body: RefreshToken,
    response: answers({ 204: NoContent }),
  },
  config: { access: 'public', bodyLimit: smallBody },
} as const satisfies Operation;

export const getMe = {
  method: 'GET',
  url: '/api/v1/users/me',
  schema: {
    operationId: 'getMe',
    summary: "Reads the caller's account",
    tags,
    response: answers({ 200: User }),
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
      'A new e-mail address or password needs the present password. A new password ends all other sessions.',
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
    response: answers({ 200: User }),
  },
  config: { access: 'member', bodyLimit: smallBody },
} as const satisfies Operation;

export const checkDeletion = {
  method: 'GET',
  url: '/api/v1/users/me/deletion',
  schema: {
    operationId: 'checkDeletion',
    summary: "Tells whether the caller's account could be deleted now",
    description: 'Answers as the deletion would, and deletes nothing.',
    tags,
    headers: IfMatch,
    response: answers({ 204: NoContent }),
  },
  config: { access: 'member' },
} as const satisfies Operation;

export const deleteMe = {
  method: 'DELETE',
  url: '/api/v1/users/me',
  schema: {
    operationId: 'deleteMe',
    summary: "Deletes the caller's account",
    description: 'Succeeds too if it is deleted already. The account of the last administrator stays.',
    tags,
    headers: IfMatch,
    response: answers({ 204: NoContent }),
  },
  config: { access: 'member' },
} as const satisfies Operation;

export const listUsers = {
  method: 'GET',
  url: '/api/v1/users',
  schema: {
    operationId: 'listUsers',
    summary: 'Lists accounts in the order of their sign-up',
    tags,
    querystring: PageQuery,
    response: answers({ 200: Page(User) }),
  },
  config: { access: 'admin' },
} as const satisfies Operation;

export const setRoles = {
  method: 'PUT',
  url: '/api/v1/users/:userId/roles',
  schema: {
    operationId: 'setRoles',
    summary: 'Sets the roles of an account',
    description: 'Everyone is a member. The last administrator stays one.',
    tags,
    params: Type.Object({ userId: Id }),
    body: Strict({ roles: Type.Array(Role, { minItems: 1, maxItems: 2, uniqueItems: true }) }),
    response: answers({ 200: User }),
  },
  config: { access: 'admin', bodyLimit: smallBody },
} as const satisfies Operation;

/** A JSON Web Key, RFC 7517 and 8037. Nothing else of a key is ever told. */
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
    summary: 'Reads the public keys of access tokens',
    tags,
    response: answers({ 200: Type.Object({ keys: Type.Array(PublicKey) }) }),
  },
  config: { access: 'public' },
} as const satisfies Operation;

export const rotateKeys = {
  method: 'POST',
  url: '/api/v1/signing-keys',
  schema: {
    operationId: 'rotateKeys',
    summary: 'Makes a new signing key',
    description:
      'It is published at once and signs later, when every service has it. Tokens signed before stay valid.',
    tags,
    response: answers({ 201: Type.Object({ kid: Type.String(), signsFrom: Timestamp }) }),
  },
  config: { access: 'admin' },
} as const satisfies Operation;
