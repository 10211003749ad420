/**
 * Reads the fenced blocks of the pages. The words in braces after the language say what a test does with a block:
 *
 *   sh {run}                           runs it: the blocks of one page and tier share one shell, in order
 *   sh {run, tier=compose}             processes (the default), compose, cluster, or skaffold (a cluster without a system)
 *   sh {run, prints=/"status":"up"/}   compares its output with each pattern; `prints` may occur several times
 *   sh {run, background}               starts it, waits for the patterns, and ends it after the page
 *   sh {run-by=.ci/run}                is run by this script, test or folder of tests, which must contain its commands;
 *                                      or by several, separated by spaces: run-by="tests/nx .ci/run"
 *   sh {not-run="needs an account"}    does not run it, and says why
 *   ts {file=libs/x.ts#L3-L12}         is these lines of this file
 *   ts {file=libs/x.ts}                is a part of this file, wherever it stands
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pages, root } from './decisions.ts';

const tiers = ['processes', 'compose', 'cluster', 'skaffold'] as const;
export type Tier = (typeof tiers)[number];

export type Fence = {
  /** The page and the line of its first line, such as `docs/tour.md:6`. */
  at: string;
  page: string;
  language: string;
  text: string;
  attributes: Record<string, string>;
  tier: Tier;
  /** Patterns that its output must match. */
  prints: RegExp[];
};

const shells = ['sh', 'bash', 'shell', 'console', 'zsh'];

/** Matches a line that is a command, in a block without a language. */
const programs =
  /^\s*(\w+=\S+ )*(npm|npx|node|docker|kubectl|skaffold|curl|git|linkerd|gcloud|export|REQUIRE_\w+=)\b/m;

/** The fences of a page, in order. */
function fencesOf(page: string): Fence[] {
  return parseFences(readFileSync(join(root, page), 'utf8'), page);
}

export function parseFences(markdown: string, page: string): Fence[] {
  const blocks = markdown.matchAll(/^( *)(`{3,})([^\n`]*)\n(.*?)^ *\2 *$/gms);
  return [...blocks].map(({ 1: indent = '', 3: info = '', 4: text = '', index }) => {
    const at = `${page}:${markdown.slice(0, index).split('\n').length}`;
    const [, language = '', braces = ''] = info.trim().match(/^(\S*)\s*(?:\{(.*)\})?$/) ?? [];
    const words = wordsOf(braces, at);
    const attributes = Object.fromEntries(words);
    const tier = (attributes.tier ?? 'processes') as Tier;
    if (!tiers.includes(tier)) throw new Error(`${at}: ${tier} is not a tier; use ${tiers.join(', ')}`);
    const prints = words.filter(([name]) => name === 'prints').map(([, value]) => patternOf(value));
    return { at, page, language, text: unindent(text, indent), attributes, tier, prints };
  });
}

const known = ['run', 'tier', 'prints', 'background', 'run-by', 'not-run', 'file'];

function wordsOf(braces: string, at: string): [string, string][] {
  const words = braces.matchAll(/([\w-]+)(?:=("[^"]*"|\/(?:\\.|[^/\\])+\/[ims]*|[^\s,"/][^\s,]*))?[\s,]*/gy);
  const parsed = [...words];
  const read = parsed.reduce((sum, [all]) => sum + all.length, 0);
  if (read !== braces.length) throw new Error(`${at}: cannot read ${braces.slice(read)}`);
  return parsed.map(([, name = '', value = '']) => {
    if (!known.includes(name)) throw new Error(`${at}: ${name} is not one of ${known.join(', ')}`);
    return [name, value.replace(/^"(.*)"$/, '$1')];
  });
}

/** A pattern's `^` and `$` match at each line. */
function patternOf(text: string): RegExp {
  const [, source = '', flags = ''] = text.match(/^\/(.*)\/(\w*)$/s) ?? [];
  return new RegExp(source, [...new Set(`m${flags}`)].join(''));
}

function unindent(text: string, indent: string): string {
  return text.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
}

export const isShell = ({ language, text }: Fence): boolean =>
  shells.includes(language) || (language === '' && programs.test(text));

export const isRun = ({ attributes }: Fence): boolean => attributes.run !== undefined;

const runners = ['run', 'run-by', 'not-run'] as const;

/** Returns the words of a block that say whether and where it runs; there must be exactly one. */
export const runnersOf = ({ attributes }: Fence): string[] => runners.filter((word) => word in attributes);

/** Returns the commands of a block: its lines without comments. Lines that continue another are joined to it. */
export function commandsOf({ text }: Fence): string[] {
  const lines = text.replaceAll('\\\n', ' ').split('\n');
  return lines.filter((line) => /^\s*[^\s#]/.test(line));
}

export const allFences: Fence[] = pages.flatMap(fencesOf);

/** The blocks of a tier that a test runs, by page. */
export function runsOf(tier: Tier): [page: string, fences: Fence[]][] {
  const fences = allFences.filter((fence) => isRun(fence) && fence.tier === tier);
  return Object.entries(Object.groupBy(fences, ({ page }) => page)) as [string, Fence[]][];
}
