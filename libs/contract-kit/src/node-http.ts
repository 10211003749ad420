import process from 'node:process';

/**
 * Node's HTTP module, without an import of it: that would read every property of the module, and so load fetch and
 * WebSocket of Node, which costs each start 30 ms of CPU.
 */
export const http = process.getBuiltinModule('node:http');
