/** The last words of `npm test`: which stores it covered. Fails if one that REQUIRE_STORES lists was skipped. */
import { coverage } from './coverage.ts';

const { lines, lacking } = coverage(process.env);
for (const line of lines) console.log(line);
if (lacking.length > 0) {
  console.error(`REQUIRE_STORES asks for ${lacking.join(', ')}, which the tests did not cover.`);
  process.exitCode = 1;
}
