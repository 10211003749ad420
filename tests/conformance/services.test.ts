import { describe } from 'vitest';
import { promises } from './promises.ts';
import { testServices } from './system-tests.ts';

describe('a service of this system', () => {
  testServices(promises.filter(({ needs }) => !needs?.includes('load')));
});
