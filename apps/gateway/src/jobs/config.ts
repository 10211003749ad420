import { Secret } from '@slipway/platform/service/settings';
import Type, { type Static } from 'typebox';

/** The settings of a job. */
export const settings = Type.Object({
  GATEWAY_URL: Type.String({
    default: 'http://127.0.0.1:8080',
    description: "Slipway's address: a job is a caller like any other",
  }),
  ADMIN_EMAIL: Type.String({ description: 'E-mail address of the administrator that the job logs in as' }),
  ADMIN_PASSWORD: Secret({ minLength: 10, description: "The administrator's password" }),
});
export type Settings = Static<typeof settings>;
