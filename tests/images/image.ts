import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildArgs } from '../../scripts/images/build-args.ts';
import type { ServiceName } from '../../scripts/system.ts';
import { docker } from '../support/docker.ts';

export const baseImage = 'gcr.io/distroless/nodejs26-debian13:nonroot';

export type ImageConfig = {
  User: string;
  Entrypoint: string[];
  Cmd: string[];
  Env: string[];
  WorkingDir: string;
  Labels: Record<string, string>;
  Healthcheck: { Test: string[] };
};

/** Builds an image of a service from a folder, by default this repository's root. */
export async function buildImage(
  service: ServiceName,
  tag: string,
  folder = '.',
  labels: Record<string, string> = {},
): Promise<string> {
  const image = `slipway/${service}:${tag}`;
  const args = Object.entries({ ...buildArgs(service), ...labels });
  const given = args.flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  await docker(['build', ...given, '--tag', image, folder]);
  return image;
}

async function inspect<T>(image: string, field: string): Promise<T> {
  return JSON.parse(await docker(['image', 'inspect', '-f', `{{json .${field}}}`, image]));
}

export const configOf = (image: string) => inspect<ImageConfig>(image, 'Config');
export const bytesOf = (image: string) => inspect<number>(image, 'Size');
/** The digest of each layer, the base image's first. */
export const layersOf = (image: string) => inspect<string[]>(image, 'RootFS.Layers');

/** Bytes of an image's layers, the newest first, with those that hold nothing. */
export async function layerSizes(image: string): Promise<number[]> {
  const lines = await docker(['history', '--human=false', '--format', '{{.Size}}', image]);
  return lines.split('\n').map(Number);
}

export type Component = { name: string; version: string; purl: string };

export type Content = {
  /** All paths in the image. */
  paths: string[];
  /** The source files that are bundled, such as `libs/platform/src/service/run.ts`. */
  bundled: string[];
  /** The packages that the bundle asks for at run time, such as `mongodb`. */
  required: string[];
  /** The bill of materials. */
  components: Component[];
};

export async function contentOf(image: string): Promise<Content> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-image-'));
  const container = await docker(['create', image]);
  try {
    await docker(['export', '--output', join(folder, 'image.tar'), container]);
    for (const list of ['sbom.cdx.json', 'bundled.json']) {
      await docker(['cp', `${container}:/app/${list}`, folder]);
    }
    await docker(['cp', `${container}:${(await configOf(image)).WorkingDir}`, join(folder, 'service')]);
    return {
      paths: pathsIn(join(folder, 'image.tar')),
      bundled: JSON.parse(readFileSync(join(folder, 'bundled.json'), 'utf8')),
      required: packagesAskedFor(join(folder, 'service')),
      components: JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8')).components,
    };
  } finally {
    await docker(['rm', '--force', container]);
    rmSync(folder, { recursive: true });
  }
}

function pathsIn(archive: string): string[] {
  const options = { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
  return execFileSync('tar', ['--list', '--file', archive], options).trimEnd().split('\n');
}

/** Reads the names of packages in `import…from"x"`, `import("x")` and `__require("x")` of a bundle without white space. */
function packagesAskedFor(folder: string): string[] {
  const code = globSync(`${folder}/{dist,packages}/*.js`).map((file) => readFileSync(file, 'utf8'));
  const asked = /(?:\bfrom"|\bimport"|\b(?:__require|import)\(["'`])((?:@[\w.-]+\/)?[\w.-]+)[\w./-]*["'`]/g;
  const names = code.flatMap((each) => [...each.matchAll(asked)].map(([, name = '']) => name));
  return names.filter((name) => !name.startsWith('.') && !isBuiltin(name));
}
