/**
 * Why the tests of overload are skipped, for their names; nothing if they run. They fill a core for minutes and compare
 * rates, so they run alone, when they are asked for.
 */
export const left = process.env.REQUIRE_OVERLOAD ? '' : ' (skipped: REQUIRE_OVERLOAD=1 is not set)';
