import type { Edit } from './edits.ts';
import type { Names } from './names.ts';
import type { Store } from './templates.ts';

const file = 'docker-compose.yml';
const gateway = '\n  gateway:\n';

/** The rows of a service in docker-compose.yml. */
export function composeRows(names: Names, store: Store): Edit[] {
  const { name, NAME } = names;
  return [
    {
      file,
      section: gateway,
      before: '      USERS_STATUS_URL:',
      row: `      ${NAME}_URL: dns+http://${name}:8080\n`,
    },
    {
      file,
      section: gateway,
      before: '      # Nothing stands in front of it',
      row: `      ${NAME}_STATUS_URL: dns+http://${name}:9080/status\n`,
    },
    {
      file,
      section: gateway,
      before: '\n  users:\n',
      row: `      ${name}: { condition: service_healthy }\n`,
    },
    {
      file,
      before: '  # --- Before the services\n',
      row: serviceWith[store](name),
    },
    ...storeRows(name, store),
  ];
}

const service = (name: string) => `  ${name}:
    <<: *service
    image: slipway/${name}:\${IMAGE_TAG:-dev}
    build: { context: ., args: { SERVICE: ${name} } }
    networks: [calls, telemetry]
    environment:
      <<: *settings
      USERS_URL: *users
    volumes:
      - { <<: *secrets, volume: { subpath: ${name} } }
    depends_on:
      secrets: { condition: service_completed_successfully }

`;

const serviceOnMongodb = (name: string) => `  ${name}:
    <<: *service
    image: slipway/${name}:\${IMAGE_TAG:-dev}
    build: { context: ., args: { SERVICE: ${name}, EMBEDDED: store-sqlite, DATABASE: store-mongodb } }
    networks: [calls, telemetry, ${name}-store]
    environment:
      <<: *settings
      STORE_URL_FILE: /run/secrets/store-url
      USERS_URL: *users
    volumes:
      - { <<: *secrets, volume: { subpath: ${name} } }
    depends_on: *on-mongodb

`;

const serviceOnDatastore = (name: string) => `  ${name}:
    <<: *service
    image: slipway/${name}:\${IMAGE_TAG:-dev}
    build: { context: ., args: { SERVICE: ${name}, EMBEDDED: store-sqlite, DATABASE: store-datastore } }
    networks: [calls, telemetry, ${name}-store]
    environment:
      <<: *settings
      STORE_URL: datastore://slipway/${name}
      DATASTORE_EMULATOR_HOST: datastore:8081
      METADATA_SERVER_DETECTION: none
      USERS_URL: *users
    volumes:
      - { <<: *secrets, volume: { subpath: ${name} } }
    depends_on:
      secrets: { condition: service_completed_successfully }
      datastore: { condition: service_healthy }

`;

const serviceWith = {
  none: service,
  'sqlite+mongodb': serviceOnMongodb,
  'sqlite+datastore': serviceOnDatastore,
};

/** The network that a service and its database share, and the service's account if the database has accounts. */
function storeRows(name: string, store: Store): Edit[] {
  if (store === 'none') return [];
  const network = `${name}-store`;
  const networks = store === 'sqlite+mongodb' ? '[users-store, billing-store' : '[reporting-store';
  const account = `      - data/${network}-url\n`;
  return [
    {
      file,
      section: '\nnetworks:\n  public:',
      before: '\nvolumes:\n',
      row: `  ${network}: { internal: true }\n`,
    },
    { file, section: `\n    networks: ${networks}`, before: ']', row: `, ${network}` },
    ...(store === 'sqlite+mongodb'
      ? [{ file, section: '- data/root-url\n', before: '    volumes:\n', row: account }]
      : []),
  ];
}
