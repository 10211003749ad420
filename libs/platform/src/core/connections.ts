/** The connections of a store to its server, and how many callers wait for one. */
export type Connections = { open: number; busy: number; waiting: number };
