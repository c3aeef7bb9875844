/** What docs/configuration.md says beside what the code tells of itself. */

export const INTRODUCTION = `# Configuration

This page is written by \`npx node docs/generate-configuration.ts\` from \`config/schema.ts\` and \`config/variables.ts\`.

The worker reads environment variables over one file: \`recovery.config.json\`, \`.mjs\`, \`.js\` or \`.ts\` in the current
folder, or the file that \`RECOVERY_CONFIG\` names. A variable wins over the file; an empty variable counts as not set. When
several names of one variable are set they must agree. Unknown settings are refused by name, and all problems are told at
once, without any value. Put secrets into variables and the rest into the file.

\`dr\` reads only \`environment\`, \`store\`, \`temporal\`, \`objectives\`, \`retention\` and \`schedules\`: it needs no credentials of the stack. It and the worker find
Temporal by the variables that Temporal's own command line reads, over the profile in \`temporal.toml\`.

A smallest working file for a stack with a chunks table, beside \`DR_ENVIRONMENT\`, \`QDRANT_URL\`, \`QDRANT_API_KEY\`,
\`QDRANT_READ_ONLY_API_KEY\`, \`DATABASE_URL\`, \`EMBEDDINGS_URL\`, \`EMBEDDINGS_MODEL\` and \`APP_URL\` in the environment:

\`\`\`json
{
  "postgres": {
    "tables": { "chunks": { "table": "chunks", "pointId": "id", "text": "text", "source": "source" } }
  },
  "goldenQuestions": "golden-questions.json"
}
\`\`\`

The sandbox writes a complete one to \`.sandbox/run/<name>/recovery.config.json\`.`;

/** Variables that are read and are no settings. */
export const OTHER_VARIABLES: readonly (readonly [names: string, what: string])[] = [
  ['`TEMPORAL_ADDRESS`', '`host:port` of Temporal (default `127.0.0.1:7233`)'],
  ['`TEMPORAL_NAMESPACE`', 'the namespace (default `default`)'],
  ['`TEMPORAL_API_KEY`, `TEMPORAL_TLS*`, `TEMPORAL_PROFILE`', 'as Temporal’s command line reads them'],
  ['`NO_COLOR`', 'anything, for output of `dr` without colours'],
];
