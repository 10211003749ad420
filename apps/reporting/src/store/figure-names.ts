import type { Figure, Report } from '../figures.ts';

/** The values that identify a figure. */
export type FigureKey = Omit<Figure, 'sums'> & { snapshot: number };

/**
 * In Datastore a figure's name is its key: snapshot, report, group and breakdown, separated by spaces. No id contains a
 * space or a character that sorts before it, so names sort like keys, and a report is a range of names.
 */
export const figureName = ({ snapshot, report, group, breakdown }: FigureKey): string =>
  [snapshotName(snapshot), report, group, breakdown].join(' ');

/** The character that sorts directly after a space: the end of the range of names that begin with the same words. */
export const afterSpace = '!';

/** Returns a snapshot's number with eight digits, so that older ones sort first. */
export const snapshotName = (snapshot: number): string => String(snapshot).padStart(8, '0');

export const stateName = (snapshot: number, subscriptionId: string): string =>
  `${snapshotName(snapshot)} ${subscriptionId}`;

/** Returns the key of a figure, except for its snapshot. */
export function keyIn(name: string): Omit<Figure, 'sums'> {
  const [, report = '', group = '', breakdown = ''] = name.split(' ');
  return { report: report as Report, group, breakdown };
}

/**
 * Returns text that sorts the figures of a group by their first sum, largest first. The sums from 2^53 − 1 down to
 * −(2^53 − 1) become ascending numbers with the same number of digits.
 */
export function rankName(name: string, first: number): string {
  const [snapshot, report, group] = name.split(' ');
  const rank = 2n ** 53n - BigInt(first);
  return [snapshot, report, group, String(rank).padStart(17, '0')].join(' ');
}
