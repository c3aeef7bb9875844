import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 200;
/** A lock without an owner's number is one that is being made, or whose maker died in between. */
const NAMELESS_AFTER_MS = 10_000;

/** Whether a process with this number is there. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * Runs `work` while holding the folder `path`, so that two launchers started at once do not install into the same place.
 * A lock left by a process that died is taken over. `onWait` is called once, when somebody else holds it.
 */
export async function withLock(path, work, onWait = () => {}) {
  mkdirSync(dirname(path), { recursive: true });
  let waited = false;
  while (!acquire(path)) {
    if (!waited) onWait();
    waited = true;
    breakWhenAbandoned(path);
    await sleep(LOOK_EVERY_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

function acquire(path) {
  try {
    mkdirSync(path);
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
  writeFileSync(join(path, 'pid'), String(process.pid));
  return true;
}

function breakWhenAbandoned(path) {
  const owner = ownerOf(path);
  if (owner === undefined || isAlive(owner)) return;
  // Renaming is atomic: of several waiting launchers only one gets the old lock out of the way.
  const aside = `${path}.abandoned-${process.pid}`;
  try {
    renameSync(path, aside);
    rmSync(aside, { recursive: true, force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

/** Number of the owner; a number nobody has when it was never written; undefined when there is nothing to judge yet. */
function ownerOf(path) {
  try {
    const pid = Number(readFileSync(join(path, 'pid'), 'utf8'));
    if (pid > 0) return pid;
  } catch {
    // Not written yet, or the lock is gone.
  }
  try {
    return Date.now() - statSync(path).mtimeMs > NAMELESS_AFTER_MS ? Number.MAX_SAFE_INTEGER : undefined;
  } catch {
    return undefined;
  }
}
