import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api';

/** A column of a result; its type is DuckDB's name, such as `BIGINT` or `DECIMAL(38,0)`. */
export type Column = { name: string; type: string };
export type Value = string | number | bigint | boolean | null;
export type Table = { columns: Column[]; rows: Value[][] };

/** A DuckDB in this process. */
export type DuckDB = {
  /** Runs one or more statements. @throws {Error} the signal's reason, if it aborts. */
  run(sql: string): Promise<void>;
  /** Runs a query whose whole result fits into memory. @throws {Error} the signal's reason, if it aborts. */
  query(sql: string): Promise<Table>;
  close(): void;
};

export type DuckDBOptions = {
  /** Where data is written that does not fit into memory. */
  temporaryFolder: string;
  /** Stops a running statement. */
  signal?: AbortSignal;
  /** Maximum memory of DuckDB's buffers; 512 MB by default. */
  memory?: string;
  /** Number of threads that a statement runs on, 2 by default: the service has to serve requests, too. */
  threads?: number;
};

/**
 * Freed memory is returned to the system. Otherwise the C library holds it, apart for each thread that has freed some, and
 * the process grows with each statement, far beyond DuckDB's limit.
 */
const returnFreed = { allocator_flush_threshold: '1MB', allocator_bulk_deallocation_flush_threshold: '1MB' };

/**
 * Opens an empty DuckDB in memory, with a limit of memory. It never downloads an extension. The package is imported
 * here, on demand, so that a service that does not use it starts without its library of 70 MB.
 */
export async function openDuckDB(options: DuckDBOptions): Promise<DuckDB> {
  const { temporaryFolder, signal, memory = '512MB', threads = 2 } = options;
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: memory,
    threads: String(threads),
    temp_directory: temporaryFolder,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    ...returnFreed,
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  const execute = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await interruptible(connection, signal, work);
    } catch (error) {
      if (!String(error).includes('Out of Memory Error')) throw error;
      const sentence = `DuckDB needs more memory than ${memory}; raise ANALYTICS_MEMORY, or --memory of the command.`;
      throw new Error(sentence, { cause: error });
    }
  };
  return {
    run: (sql) => execute(async () => void (await connection.run(sql))),
    query: (sql) =>
      execute(async () => {
        const result = await connection.runAndReadAll(sql);
        const types = result.columnTypes();
        const columns = result
          .columnNames()
          .map((name, index) => ({ name, type: nameOf(types[index] as DuckDBType) }));
        return { columns, rows: result.getRows().map((row) => row.map(plain)) };
      }),
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/**
 * Does work with a DuckDB of its own. After a large statement that costs less memory than to go on with the same one: what it
 * keeps from sorting a month adds up to 120 MB to what the next month takes.
 */
export async function withDuckDB<T>(
  options: DuckDBOptions,
  work: (duckdb: DuckDB) => Promise<T>,
): Promise<T> {
  const duckdb = await openDuckDB(options);
  try {
    return await work(duckdb);
  } finally {
    duckdb.close();
  }
}

async function interruptible<T>(
  connection: DuckDBConnection,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const interrupt = () => connection.interrupt();
  signal?.addEventListener('abort', interrupt);
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }
}

const nameOf = (type: DuckDBType): string => String(type);

/** Returns a value as JavaScript has it: whole numbers as bigint, decimals without fraction, too; dates as text. */
function plain(value: unknown): Value {
  if (value === null || typeof value !== 'object') return value as Value;
  const text = String(value);
  return /^-?\d+$/.test(text) ? BigInt(text) : text;
}

/** Quotes text for SQL. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
