/**
 * Outlives its parent for a moment to end what that left behind. The parent writes `+<process group> <signal>` when it
 * starts a part and `-<process group>` when the part is gone; when the pipe closes (however the parent died, `kill -9`
 * included, the system closes it), every group still listed gets its signal, and SIGKILL a little later.
 * Works wherever there are process groups: no help from systemd or the kernel (Linux's PDEATHSIG) is needed.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const GRACE_MS = 5_000;
const LOOK_EVERY_MS = 100;

const groups = new Map();

function send(group, signal) {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

// Ctrl-C and the like are for the parent; this one goes when the parent has gone.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const match = /^([+-])(\d+)(?: (SIG[A-Z]+))?$/.exec(line);
  if (!match) continue;
  if (match[1] === '+') groups.set(Number(match[2]), match[3] ?? 'SIGTERM');
  else groups.delete(Number(match[2]));
}

for (const [group, signal] of groups) {
  send(group, signal);
  // One that was stopped (SIGSTOP) takes its signal only when it goes on.
  send(group, 'SIGCONT');
}
const until = Date.now() + GRACE_MS;
while (Date.now() < until && [...groups.keys()].some((group) => send(group, 0))) await sleep(LOOK_EVERY_MS);
for (const group of groups.keys()) send(group, 'SIGKILL');
