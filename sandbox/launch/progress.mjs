const TICK_MS = 1_000;

/**
 * Runs one stage of the installation and tells of it on stderr: a line that counts the seconds on a terminal, one plain
 * line elsewhere. stdout belongs to the target.
 */
export async function stage(title, work) {
  const terminal = process.stderr.isTTY === true;
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  if (!terminal) process.stderr.write(`${title}\n`);
  const show = () => process.stderr.write(`\r\x1b[2K${title} ${seconds()} s`);
  const ticking = terminal ? (show(), setInterval(show, TICK_MS)) : undefined;
  try {
    return await work();
  } finally {
    if (ticking) {
      clearInterval(ticking);
      process.stderr.write(`\r\x1b[2K${title} ${seconds()} s\n`);
    }
  }
}
