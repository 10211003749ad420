/** A store's open connections to its server, how many of these are busy, and how many commands wait for one. */
export type Connections = { open: number; busy: number; waiting: number };
