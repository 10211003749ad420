import type { Figure, Report } from '../figures.ts';

/**
 * How figures are named where all that can be asked for is a range of names: generation, report, part and key,
 * with spaces between them. No id contains a space or a character that sorts before it, so the names of figures
 * sort as their parts do.
 */
export type FigurePlace = Omit<Figure, 'sums'> & { generation: number };

/** The character that follows the space: the end of all names that begin with the same words. */
export const afterSpace = '!';

/** All generations have as many digits, so that older ones sort first. */
export const generationName = (generation: number): string => String(generation).padStart(8, '0');

export const figureName = ({ generation, report, part, key }: FigurePlace): string =>
  [generationName(generation), report, part, key].join(' ');

export const stateName = (generation: number, subscriptionId: string): string =>
  `${generationName(generation)} ${subscriptionId}`;

export function placeIn(name: string): Omit<Figure, 'sums'> {
  const [, report = '', part = '', key = ''] = name.split(' ');
  return { report: report as Report, part, key };
}

/**
 * A figure's place among those of its part, the largest first: sums from 2^53 − 1 down to the negative of it
 * become numbers that rise and have as many digits.
 */
export function rankName(name: string, first: number): string {
  const [generation, report, part] = name.split(' ');
  const rank = 2n ** 53n - BigInt(first);
  return [generation, report, part, String(rank).padStart(17, '0')].join(' ');
}
