/**
 * Starts everything: `node sandbox/launch.mjs <target> [args]`, which is what the npm scripts call. It needs nothing but
 * Node and npm, provides what is missing (npm packages, the sandbox's Python), and runs the target on the Node that the
 * project pins. Plain JavaScript, because it runs before anything is installed.
 */
const LEAST_NODE = 20;

const major = Number(process.versions.node.split('.')[0]);
if (major < LEAST_NODE) {
  console.error(
    `Node ${LEAST_NODE} or newer is needed to begin with, this is ${process.versions.node}: install one from https://nodejs.org.`,
  );
  process.exit(1);
}

// Imported only now, so that an old Node says the sentence above and not a syntax error.
const { launch } = await import('./launch/run.mjs');
process.exitCode = await launch(process.argv.slice(2));
