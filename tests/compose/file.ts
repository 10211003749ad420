import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const file = new URL('../../docker-compose.yml', import.meta.url);

export type Mount = { source: string; target: string; read_only?: boolean; volume?: { subpath: string } };

export type Service = {
  image: string;
  profiles?: string[];
  command?: string[];
  build?: { args: Record<string, string> };
  security_opt?: string[];
  logging?: { driver: string; options: Record<string, string> };
  deploy?: { resources: { limits: Record<string, string> } };
  ports?: string[];
  volumes?: (string | Mount)[];
  environment?: Record<string, string | number>;
  depends_on?: Record<string, { condition: string }>;
  read_only?: boolean;
  cap_drop?: string[];
  cap_add?: string[];
  restart?: string;
  healthcheck?: { test?: string[]; disable?: boolean };
  stop_grace_period?: string;
  networks?: string[];
  network_mode?: string;
};

/** The services and the networks of docker-compose.yml, with what they share merged in. */
export const { services, networks: declared } = parse(readFileSync(file, 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
};
