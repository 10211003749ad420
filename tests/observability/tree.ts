import type { Span } from './zipkin.ts';

/** Spans whose parent is not in their trace: something was lost, or parents are named that never were. */
export function orphans(trace: Span[]): Span[] {
  const ids = new Set(trace.map(({ id }) => id));
  return trace.filter(({ parentId }) => parentId !== undefined && !ids.has(parentId));
}

/**
 * Draws a trace as a tree, one span a line, each below its parent and in the order of their starts:
 *
 * @example
 * tree(trace);
 * // gateway server get /api/v1/plans
 * //   gateway client billing listplans
 * //     billing server get /api/v1/plans
 */
export function tree(trace: Span[], parent?: string, indent = ''): string {
  const children = trace.filter(({ parentId }) => parentId === parent);
  children.sort((a, b) => a.timestamp - b.timestamp);
  return children.map((span) => `${indent}${line(span)}\n${tree(trace, span.id, `${indent}  `)}`).join('');
}

function line({ localEndpoint, kind, name, remoteEndpoint, tags = {} }: Span): string {
  const failed = 'error' in tags ? ' failed' : '';
  const peer = kind === 'CLIENT' && remoteEndpoint?.serviceName ? ` → ${remoteEndpoint.serviceName}` : '';
  return `${localEndpoint.serviceName} ${kind?.toLowerCase()} ${name}${peer}${failed}`;
}
