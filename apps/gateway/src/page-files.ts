import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A file that does not change while the process runs. It is compressed once, for the first client that accepts that. */
export type PageFile = { type: string; text: string; etag: string; gzip?: Buffer };

/** The media type of each kind of file that the pages load. */
const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** Reads the scripts and style sheets in a folder and below, by their path, such as `views/map.js`. */
export function readPageFiles(folder: URL): Map<string, PageFile> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => extname(path) in types)
    .map((path) => path.replaceAll('\\', '/'));
  return new Map(paths.map((path) => [path, readPageFile(new URL(path, folder))]));
}

/** Reads a script or a style sheet. */
export function readPageFile(file: URL): PageFile {
  return pageFile(types[extname(file.pathname)] as string, readFileSync(file, 'utf8'));
}

/** Makes a page that is sent from memory. */
export const htmlFile = (text: string): PageFile => pageFile('text/html; charset=utf-8', text);

/** Makes a file that is sent from memory. */
export function pageFile(type: string, text: string): PageFile {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 22);
  return { type, text, etag: `W/"${hash}"` };
}

const gzip = promisify<string, zlib.ZlibOptions, Buffer>(zlib.gzip);

/**
 * Sends a file compressed if the client accepts that, and not at all if the client has it already.
 *
 * @param vary the headers of the request that choose the response
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: PageFile,
  vary = 'accept-encoding',
): Promise<FastifyReply> {
  const { 'if-none-match': known = '', 'accept-encoding': encodings = '' } = request.headers;
  reply.header('etag', file.etag).header('vary', vary);
  if (known.includes(file.etag)) return reply.code(304).send();
  reply.type(file.type);
  if (!/\bgzip\b(?!;q=0(\.0*)?(,|$))/.test(String(encodings))) return reply.send(file.text);
  file.gzip ??= await gzip(file.text, { level: 9 });
  return reply.header('content-encoding', 'gzip').send(file.gzip);
}
