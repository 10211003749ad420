const folder = 'docs/labs/';

/** Returns whether a page is a lab. Labs break the system that they run in, so they have one of their own. */
export const isLab = (page: string): boolean => page.startsWith(folder);
