// Nx loads TypeScript by a compiler of its own choice; Node loads it by itself, if a JavaScript file asks for it.
import { generate } from './generate.ts';

export default generate;
