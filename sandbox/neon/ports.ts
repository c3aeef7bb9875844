import { randomInt } from 'node:crypto';
import { isFree } from '../stack/ports.ts';

/** Below the ports that systems hand out for outgoing connections, so that nobody takes one between choice and use. */
const FROM = 20_000;
const TO = 32_000;
const ATTEMPTS = 200;

/** @throws Error when none is found */
export async function freePort(taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FROM, TO);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free loopback port between ${FROM} and ${TO} found in ${ATTEMPTS} attempts`);
}
