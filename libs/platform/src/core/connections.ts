/** The connections of a store to its server: open ones, busy ones of these, and commands that wait for one. */
export type Connections = { open: number; busy: number; waiting: number };
