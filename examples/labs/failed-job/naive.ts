import process from 'node:process';
import { writeReport } from './report.ts';

const day = 24 * 60 * 60 * 1_000;

const run = () => writeReport(process.env.FOLDER ?? '').catch((error: Error) => console.log(error.message));

await run();
setInterval(run, day);
