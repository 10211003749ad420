import { Secret } from '@slipway/platform/service/settings';
import Type, { type Static } from 'typebox';

/** The settings of a job. */
export const settings = Type.Object({
  GATEWAY_URL: Type.String({
    default: 'http://127.0.0.1:8080',
    description: 'Address of the gateway, through which the job sends its requests',
  }),
  ADMIN_EMAIL: Type.String({ description: 'E-mail address of the administrator whose account the job uses' }),
  ADMIN_PASSWORD: Secret({ minLength: 10, description: 'Password of that administrator' }),
});
export type Settings = Static<typeof settings>;
