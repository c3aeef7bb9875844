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

/** One sentence for every setting; the generator refuses a setting without one. */
export const MEANINGS: Readonly<Record<string, string>> = {
  environment: 'Name of the environment; the task queue is `recovery-<environment>`. Required.',
  commitWindowMinutes: 'Minutes after green gates in which `rollBack` undoes the recovery; 0 commits at once.',
  goldenQuestions: 'JSON file with questions and the sections that must be found: `[{question, sources: [...]}]`.',
  'qdrant.url': 'Address of Qdrant’s REST API, without user and password.',
  'qdrant.apiKey': 'Key that may write (secret).',
  'qdrant.readOnlyApiKey': 'Key that may only read (secret); tried by the access gate, where there is one.',
  'qdrant.collection': 'The name the app uses: an alias, or the collection itself.',
  'qdrant.idStrategy': 'What point ids are; another kind is refused before the first write.',
  'qdrant.fields.text': 'Payload field with the text of the chunk; dotted paths reach into objects.',
  'qdrant.fields.source': 'Payload field with the section that the chunk belongs to.',
  'qdrant.fields.chunkId': 'Payload field with the chunk’s own id, when there is one.',
  'qdrant.fields.chunkIndex': 'Payload field with the position in the section, when there is one.',
  'qdrant.fields.contentHash': 'Payload field with the hash of the text, when there is one.',
  'qdrant.parallel': 'Requests in flight when copying or writing.',
  'qdrant.timeoutSeconds': 'Deadline of one ordinary request.',
  'postgres.url':
    'Connection string (secret). Driver suffixes such as `+asyncpg` are taken off. Required in this part.',
  'postgres.binDir':
    'Folder of `pg_dump`, `pg_restore` and `pg_amcheck`, when they are not on PATH; they must be as new as the server.',
  'postgres.dumpJobs': 'Tables that are dumped and restored at the same time, each by a connection of its own.',
  'postgres.scratchDir':
    'Folder that a dump lies in on its way to the store and back (mode 0700, removed afterwards): it takes as much as the database. ' +
    'When nothing is said: the system’s temporary folder.',
  'postgres.verifyUrl':
    'Connection string of another server (secret), to restore dumps on when a set is verified. Without it a database is made beside the live one.',
  'postgres.tables.chunks.table': 'Table of the chunks. Without it Qdrant is compared with the recovery set alone.',
  'postgres.tables.chunks.pointId': 'Column with the Qdrant point id.',
  'postgres.tables.chunks.text': 'Column with the text.',
  'postgres.tables.chunks.source': 'Column with the section.',
  'postgres.tables.chunks.index': 'Column with the position in the section.',
  'postgres.tables.chunks.hash': 'Column with the hash of the text.',
  'postgres.tables.chunks.payload':
    'Payload fields by column, for further columns: rows are rebuilt from points with these.',
  'postgres.tables.chunks.canary':
    'Values of the canary’s row in further columns that must have one: `{"language": "en"}`.',
  'postgres.tables.sessions.table': 'Table of chat sessions; its rows are counted in the recovery set.',
  'postgres.tables.sessions.id': 'Its key.',
  'postgres.tables.messages.table': 'Table of chat messages; its rows are counted in the recovery set.',
  'postgres.tables.messages.id': 'Its key.',
  'postgres.tables.messages.sessionId': 'Column with the session.',
  'postgres.tables.messages.role': 'Column with who spoke.',
  'postgres.tables.messages.content': 'Column with what was said.',
  'postgres.tables.trace.table':
    'Table that says which chunks an answer cited; its rows are counted in the recovery set.',
  'postgres.tables.trace.messageId':
    'Column with the message; absent where the table of messages holds the ids itself.',
  'postgres.tables.trace.chunkIds': 'Column with the chunk ids.',
  'postgres.tables.trace.kind': 'How that column holds them.',
  'postgres.tables.others':
    'Further tables that people would miss: counted, compared and recovered like the named ones.',
  'postgres.recovery.mutable':
    'Tables whose rows the app changes as a matter of course: a changed row is no damage there. Without it those of sessions and traces.',
  'postgres.recovery.tolerance': 'Rows that may be gone or changed since the set before it is called damage.',
  'postgres.recovery.resolutionSeconds': 'How exactly the last good moment is looked for.',
  'postgres.recovery.maxProbes': 'Moments that may be looked at: each is a branch for some seconds.',
  'postgres.recovery.notCarried': 'Tables of which later rows are not carried over.',
  'postgres.recovery.carryUpdates':
    'Tables of which later changes are carried over too; elsewhere the restored row stays.',
  'postgres.recovery.handMadeDumps': 'Folder of dumps made by hand, which a run may be told to restore by `plainDump`.',
  'embeddings.url': 'Base of an OpenAI-compatible API; `<url>/embeddings` is called. Required.',
  'embeddings.apiKey': 'Key of that API (secret).',
  'embeddings.identity.model': 'Model that made the vectors. Sets of another model are refused. Required.',
  'embeddings.identity.dimensions': 'Size of a vector. When nothing is said: 768.',
  'embeddings.identity.distance': 'Distance of the collection. When nothing is said: Cosine.',
  'embeddings.identity.vectorName': 'Name of the vector; leave out for the unnamed one.',
  'embeddings.documentPrefix': 'Put before every document, for models that want it.',
  'embeddings.queryPrefix': 'Put before every question.',
  'embeddings.batch': 'Texts in one request.',
  'embeddings.requestsPerMinute': 'Limit to stay under, when there is one.',
  'content.directory': 'Folder with the Markdown source text: what is indexed again. Required in this part.',
  'content.glob': 'Which files of it.',
  'content.ids.scheme': 'How ids follow from names, as at ingestion. Without `ids` they stay. Required in this part.',
  'content.ids.namespace': 'Namespace of `uuid5`. Required there.',
  'content.ids.name':
    'What is hashed: `{{file}}`, `{{section}}` (`file#slug`), `{{slug}}`, `{{heading}}`, `{{index}}` and `{{text}}` are replaced.',
  'content.headingField': 'Payload field that holds the heading above a chunk.',
  'app.baseUrl': 'Address of the app server. Required in this part.',
  'app.health.path': 'Path of the health check. Not called by a runbook yet.',
  'app.health.okValues': 'Values of `status` that mean healthy. Not used by a runbook yet.',
  'app.ask.method': 'How a question is asked.',
  'app.ask.path': 'Where.',
  'app.ask.body': 'JSON body; `{{question}}` in it is replaced.',
  'app.ask.answer': 'Dotted path of the answer’s text.',
  'app.ask.citations': 'Dotted path of the list of citations.',
  'app.ask.citationSource': 'Key of the section in each citation; empty when a citation is the section itself.',
  'app.maintenance.method': 'How the app is switched to read-only and back.',
  'app.maintenance.path': 'Where. Required in this part.',
  'app.maintenance.on': 'JSON body that switches it to read-only.',
  'app.maintenance.off': 'JSON body that lets it write again.',
  'app.maintenance.header.name': 'Name of a header that the switch wants, instead of `app.authHeader`.',
  'app.maintenance.header.value': 'Its value (secret).',
  'app.maintenance.write.method': 'How something is written, to try it: it must be refused while the app is read-only.',
  'app.maintenance.write.path': 'Where. Required in this part.',
  'app.maintenance.write.body': 'JSON body.',
  'app.maintenance.write.refused': 'Statuses that say that it was refused.',
  'app.authHeader.name': 'Name of a header that the app wants.',
  'app.authHeader.value': 'Its value (secret).',
  'qdrantReplacement.standby.url': 'Address of the Qdrant that takes the place of a failed one. Required in this part.',
  'qdrantReplacement.standby.apiKey': 'Its key that may write (secret).',
  'qdrantReplacement.standby.readOnlyApiKey': 'Its key that may only read, for the security gate (secret).',
  'qdrantReplacement.standby.start.run':
    'Program and arguments that bring the standby up; no shell reads them. Must end with 0, and may be run twice.',
  'qdrantReplacement.standby.start.timeoutSeconds': 'How long it may take.',
  'qdrantReplacement.standby.stop.run': 'Program and arguments that take the standby down again, after a roll back.',
  'qdrantReplacement.standby.stop.timeoutSeconds': 'How long it may take.',
  'cluster.confirm.rounds': 'Rounds of looks that must agree before a cluster is called failed.',
  'cluster.confirm.everySeconds': 'Seconds between two rounds.',
  'cluster.similarityFloor':
    'Least cosine between a stored vector and its text embedded again. Below it the model is another one, and everything is embedded anew.',
  'cluster.recallFloor': 'Least share of the exact answer that the index’s answer must have on the replacement.',
  'cluster.watchSeconds': 'How often the gates are looked at in the commit window.',
  'cluster.watchPatience': 'Looks in a row at a red gate, after which the run rolls back by itself.',
  'cluster.escalateMinutes':
    'Minutes without a sign of a person, after which the message is sent again, more urgently.',
  'cluster.pricePerThousandTexts': 'What embedding a thousand texts costs, for the forecast in the plan.',
  'app.vectors.request.method': 'Method of the request that tells the app of another Qdrant.',
  'app.vectors.request.path': 'Its path. Required in this part.',
  'app.vectors.request.body': 'Its JSON body; `{{url}}`, `{{apiKey}}` and `{{collection}}` are replaced.',
  'app.vectors.request.header.name': 'A header that it needs.',
  'app.vectors.request.header.value': 'Its value (secret).',
  'app.vectors.request.answer':
    'Dotted path to the address in use, in what `GET` of the same path answers: asked afterwards, as proof.',
  'app.vectors.command.run':
    'Program and arguments that change the app’s settings instead; gets `QDRANT_URL`, `QDRANT_API_KEY` and `QDRANT_COLLECTION_NAME`.',
  'app.vectors.command.timeoutSeconds': 'How long it may take.',
  'store.directory': 'Folder of the artifact store: recovery sets, kept states, reports. Not used with `store.s3`.',
  'store.s3.bucket': 'Bucket of the artifact store. Required in this part.',
  'store.s3.region':
    'Region of the bucket. When nothing is said: what the SDK finds (`AWS_REGION`, the profile), with an endpoint `us-east-1`.',
  'store.s3.endpoint': 'Address of another S3 server than Amazon’s.',
  'store.s3.prefix': 'Folder in the bucket, put before every key.',
  'store.s3.forcePathStyle':
    'Whether the bucket stands in the path rather than in the host name: most servers of one’s own.',
  'store.s3.accessKeyId':
    'Access key (secret). Without it and the next the SDK’s own chain is used: `AWS_*` variables, profiles, the machine’s role.',
  'store.s3.secretAccessKey': 'Its secret (secret).',
  'store.s3.sessionToken': 'Session token of a temporary key (secret).',
  'store.s3.checksums':
    'Whether the SDK’s checksums go with every request, or only where S3 insists on them: for servers that do not know them.',
  'store.s3.conditionalWrites':
    'Whether the server itself is asked to refuse overwriting (`If-None-Match`). Without it we only look first.',
  'store.s3.timeoutSeconds': 'Deadline of one request (at most a part of 16 MB), and of a pause within an answer.',
  'store.encryption.recipients':
    'Public keys of age (`age1…`) that everything but manifests, checksums, verifications and reports is encrypted for. ' +
    'Name at least two, and keep the key of one away from the store and the stack. Required in this part.',
  'store.encryption.identity': 'Private key of age for reading (secret).',
  'store.encryption.identityFile':
    'File with private keys of age. Looked for when something is read, so it may be put there only when it is needed.',
  'backup.canary':
    'Plant a paragraph of the set’s own in both stores before each set. One point and one row, always the same ones.',
  'backup.tolerance': 'Points that may be missing, unbacked, stale or malformed in a set that is still preferred.',
  'backup.nodes': 'Addresses of the other nodes of a Qdrant cluster; each is asked for a snapshot of its own.',
  'backup.collections': 'Collections besides the app’s own that belong into a set.',
  'backup.coldStorage':
    'Qdrant’s storage folder as the worker sees it, for `dr cold-copy` while the server is stopped.',
  'backup.samplePoints':
    'Whole points that are kept aside, to be compared number by number, in every payload field, after a restore.',
  'backup.verifyQdrant.url': 'A Qdrant on which snapshots are tried out. Without it: the live one, under another name.',
  'backup.verifyQdrant.apiKey': 'Its API key (secret).',
  'qdrantCloud.url': 'Qdrant Cloud’s management API.',
  'qdrantCloud.accountId': 'Account there. Required in this part.',
  'qdrantCloud.clusterId': 'Cluster whose backups are taken and watched. Required in this part.',
  'qdrantCloud.apiKey': 'Management key of the account, not a key of the database (secret). Required in this part.',
  'qdrantCloud.schedule.cron': 'When the cluster’s own backups must run, in UTC.',
  'qdrantCloud.schedule.retentionDays': 'How long they must be kept.',
  'qdrantCloud.alarmHours': 'A newest backup that is older is an alarm.',
  'neon.apiUrl': 'Neon’s control plane.',
  'neon.apiKey': 'Key of Neon’s API (secret). Required in this part.',
  'neon.projectId': 'Project that the database belongs to. Required in this part.',
  'neon.branchId': 'Branch that the app uses; the project’s default one when absent.',
  'neon.retentionDays': 'Days until the branch of a backup expires.',
  'neon.snapshotSchedule.frequency': 'How often Neon’s own snapshots must be taken, where the plan has them.',
  'neon.snapshotSchedule.hour': 'Hour of the day, in UTC.',
  'neon.snapshotSchedule.retentionDays': 'How long they must be kept.',
  'configuration.envFiles':
    'Files of environment variables (`.env`). Encrypted for the recipients before they reach the store, whatever the store does.',
  'configuration.files':
    'Files without secrets that are kept as they are: `Dockerfile`, `docker-compose.yml`. One with a secret in clear is refused.',
  'configuration.recipients':
    'Public keys of age (`age1…`) that the `.env` files are encrypted for. Name at least two. ' +
    'None of their private keys may stand in a captured file. Required in this part.',
  'configuration.identity': 'Private key of age, for verification (secret).',
  'configuration.identityFile': 'File with private keys of age, for verification; read when it is needed.',
  'configuration.identityCommand': 'Shell command that prints a private key of age, for verification.',
  'configuration.references':
    'Secrets that are kept elsewhere: `[{name, from, where}]`, `from` being `command` (a shell command), `file` (an absolute path) ' +
    'or `environment`. Each is fetched once to see that it can be, and only the reference is kept.',
  'configuration.release.git': 'Working tree of Git that the app runs from: commit, tag, and whether it is clean.',
  'configuration.release.image': 'Image that the app runs from, when there is no working tree.',
  'configuration.release.digest': 'Digest of that image (`sha256:…`).',
  'configuration.timeoutSeconds': 'Deadline of one command.',
  'temporal.uiUrl': 'Address of the Temporal Web UI, for links.',
  'notify.webhookUrl':
    'Receives a JSON message for every event that somebody should know of (secret). Without it, messages go to the log.',
  'approval.approvers': 'Names that may approve; empty means anybody.',
  'approval.required': 'How many different people must approve.',
  'approval.initiatorMayApprove': 'Whether whoever started the run may approve it.',
  'approval.timeoutMinutes': 'Minutes after which a run that nobody approved ends, having changed nothing.',
  'objectives.rtoSeconds': 'What the RTO is measured against.',
  'objectives.rpoSeconds': 'What the RPO is measured against.',
  'retention.keepDays': 'Days for which every set is kept, whatever its state.',
  'retention.keepVerified': 'Verified sets that remain whatever their age. Only verified ones count.',
  'retention.verifyWithinDays':
    'No set is removed, and `dr doctor` warns, when the last full verification that passed is older.',
  'schedules.backup.cron': 'When a recovery set is taken: minute, hour, day of the month, month, day of the week.',
  'schedules.backup.timeZone':
    'Time zone of that. Elsewhere than in UTC avoid 1 to 3 at night: such times may not come, or twice.',
  'schedules.verification.cron': 'When the newest recovery set is restored for trial.',
  'schedules.verification.timeZone': 'Time zone of that.',
  'worker.health.host': 'Address on which the worker tells how it is (`/healthz`, `/livez`).',
  'worker.health.port': 'Port of that. Without it the worker opens none. Required in this part.',
};
