import { describe } from 'vitest';
import { overload } from './promises/overload.ts';
import { testServices } from './system-tests.ts';

/** They load the machine, so they run only on request. */
const mayRun = Boolean(process.env.REQUIRE_CONFORMANCE);
const why = mayRun ? '' : ', skipped: REQUIRE_CONFORMANCE=1 is not set';

describe.skipIf(!mayRun)(`a service of this system that gets too many requests${why}`, () => {
  testServices(overload);
});
