import type { Trace, TraceSummary } from '@slipway/contracts/gateway';
import { createCheck } from '@slipway/platform/http/validation';
import { type StoredTrace, StoredTraces, type TraceRing } from '@slipway/platform/telemetry/trace-ring';
import type { Link } from './page-links.ts';
import type { Replicas } from './replicas.ts';
import { inTreeOrder } from './trace-tree.ts';

/** Why a trace is shown, the most important reason first. */
const shownReasons = ['failed', 'slow', 'administrator'] as const;

type Options = {
  /** The traces of this process. */
  own: TraceRing;
  replicas: Pick<Replicas, 'readPage'>[];
  /** The links of the start page, one of which may be that of Zipkin. */
  links: Link[];
};

/** Makes the functions that read the traces of all replicas of all services. */
export function createTraces({ own, replicas, links }: Options) {
  const zipkin = zipkinIn(links);

  async function read(path: string): Promise<StoredTrace[]> {
    const pages = await Promise.all(replicas.map((each) => each.readPage(path)));
    return pages.flat().flatMap((page) => (isStored(page) ? page.traces : []));
  }

  return {
    /** Returns the traces that failed, were slow, or came from administrators, newest first. */
    async list(): Promise<TraceSummary[]> {
      const stored = [...own.list(), ...(await read('/traces'))];
      const traces = [...Map.groupBy(stored, ({ traceId }) => traceId).values()];
      return traces
        .flatMap((parts) => summaryOf(parts) ?? [])
        .sort((one, other) => Date.parse(other.startedAt) - Date.parse(one.startedAt));
    },

    /** Returns one trace, if any process has stored a part of it. */
    async find(traceId: string): Promise<Trace | undefined> {
      const parts = [...own.find(traceId), ...(await read(`/traces/${traceId}`))];
      const summary = summaryOf(parts);
      if (!summary) return undefined;
      const isExported = parts.some((part) => part.isExported);
      return {
        ...summary,
        spans: spansOf(parts),
        ...(zipkin && isExported && { zipkin: new URL(`traces/${traceId}`, zipkin).href }),
      };
    },
  };
}

const isStored = createCheck<{ traces: StoredTrace[] }>(StoredTraces);

/**
 * Describes a trace by its first request.
 *
 * @param parts what each process has stored of it
 * @returns nothing if it is only a part of a trace that is not stored
 */
function summaryOf(parts: StoredTrace[]): TraceSummary | undefined {
  const reason = shownReasons.find((each) => parts.some((part) => part.reason === each));
  // Not the earliest: the clocks of two processes differ by more than a call takes. Our own part is the first.
  const [first] = (parts.find((part) => part.reason !== 'sampled') ?? parts[0])?.spans ?? [];
  const [traceId] = parts.map((part) => part.traceId);
  if (!reason || !first || !traceId) return undefined;
  const { name, status, ms, startedAt } = first;
  const placed = inTreeOrder(parts.flatMap(({ spans }) => spans));
  const services = [...new Set(placed.map(({ span }) => span.service))];
  return {
    traceId,
    reason,
    startedAt: new Date(startedAt).toISOString(),
    name,
    services,
    status,
    ms: round(ms),
  };
}

function spansOf(parts: StoredTrace[]): Trace['spans'] {
  const placed = inTreeOrder(parts.flatMap(({ spans }) => spans));
  const start = Math.min(...placed.map(({ span }) => span.startedAt));
  return placed.map(({ span: { parentId: _, startedAt, ms, ...span }, depth }) => ({
    ...span,
    depth,
    offsetMs: round(startedAt - start),
    ms: round(ms),
  }));
}

/** Rounds milliseconds to hundredths: the clocks of two processes agree less well. */
const round = (ms: number) => Math.round(ms * 100) / 100;

/** Returns the address of Zipkin's pages: that of the link whose name or address names it. */
function zipkinIn(links: Link[]): string | undefined {
  const link = links.find(({ name, url }) => /zipkin/i.test(name) || /zipkin/i.test(url));
  if (!link) return undefined;
  const { pathname } = new URL(link.url);
  return new URL(pathname.includes('zipkin') ? `${pathname.replace(/\/$/, '')}/` : '/zipkin/', link.url).href;
}
