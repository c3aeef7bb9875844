/** One environment variable (with the names it is known by elsewhere) and the setting that it gives. */
export interface Variable {
  /** Dotted path in the configuration; `*` is every entry of a list by name, where the object that holds the setting is there. */
  readonly setting: string;
  /** The first is the one we recommend; all must agree when several are set. */
  readonly names: readonly [string, ...string[]];
  /** What to put there, as the end of the sentence "Set NAME to ...". */
  readonly value: string;
  readonly kind?: 'number' | 'path' | 'flag' | 'list';
}

/** Every environment variable that is read. They win over the configuration file; an empty one counts as not set. */
export const VARIABLES: readonly Variable[] = [
  {
    setting: 'environment',
    names: ['DR_ENVIRONMENT'],
    value: 'the name of the environment, such as production or staging',
  },
  { setting: 'qdrant.url', names: ['QDRANT_URL'], value: 'the address of Qdrant, such as https://qdrant.example:6333' },
  { setting: 'qdrant.apiKey', names: ['QDRANT_API_KEY'], value: 'the API key that may write' },
  {
    setting: 'qdrant.readOnlyApiKey',
    names: ['QDRANT_READ_ONLY_API_KEY'],
    value: 'an API key that may read and not write',
  },
  {
    setting: 'qdrant.collection',
    names: ['QDRANT_COLLECTION_NAME', 'QDRANT_COLLECTION'],
    value: 'the alias or collection that the app uses',
  },
  {
    setting: 'qdrantReplacement.standby.url',
    names: ['QDRANT_STANDBY_URL'],
    value: 'the address of the Qdrant that takes the place of a failed one',
  },
  {
    setting: 'qdrantReplacement.standby.apiKey',
    names: ['QDRANT_STANDBY_API_KEY'],
    value: 'the API key of the standby that may write',
  },
  {
    setting: 'qdrantReplacement.standby.readOnlyApiKey',
    names: ['QDRANT_STANDBY_READ_ONLY_API_KEY'],
    value: 'an API key of the standby that may read and not write',
  },
  {
    setting: 'postgres.url',
    names: ['DATABASE_URL', 'NEON_DATABASE_URL', 'NEON_DB_URL', 'NEON_CONN_STRING'],
    value: 'the connection string of Postgres (postgresql://…)',
  },
  { setting: 'postgres.binDir', names: ['PG_BIN_DIR'], value: 'the folder of pg_dump', kind: 'path' },
  {
    setting: 'postgres.verifyUrl',
    names: ['VERIFY_DATABASE_URL'],
    value: 'the connection string of another Postgres, to restore dumps on when sets are verified',
  },
  {
    setting: 'postgres.scratchDir',
    names: ['POSTGRES_SCRATCH_DIR'],
    value: 'a folder with as much space as the database takes',
    kind: 'path',
  },
  { setting: 'neon.apiKey', names: ['NEON_API_KEY'], value: 'a key of Neon’s API that may change the project' },
  { setting: 'neon.projectId', names: ['NEON_PROJECT_ID'], value: 'the id of the project on Neon' },
  { setting: 'neon.branchId', names: ['NEON_BRANCH_ID'], value: 'the id of the branch that the app uses (br-…)' },
  { setting: 'neon.apiUrl', names: ['NEON_API_URL'], value: 'the address of another control plane than Neon’s own' },
  {
    setting: 'embeddings.url',
    names: ['EMBEDDINGS_URL'],
    value: 'the base address of an OpenAI-compatible API, such as https://api.openai.com/v1',
  },
  {
    setting: 'embeddings.apiKey',
    names: ['EMBEDDINGS_API_KEY', 'OPENAI_API_KEY'],
    value: 'the key of the embedding API',
  },
  {
    setting: 'embeddings.identity.model',
    names: ['EMBEDDINGS_MODEL'],
    value: 'the name of the model that made the vectors',
  },
  {
    setting: 'embeddings.identity.dimensions',
    names: ['EMBEDDINGS_DIMENSIONS'],
    value: 'the number of dimensions of a vector, such as 768',
    kind: 'number',
  },
  { setting: 'app.baseUrl', names: ['APP_URL'], value: 'the address of the app server' },
  {
    setting: 'app.maintenance.header.value',
    names: ['APP_MAINTENANCE_HEADER'],
    value: 'what the header of the app’s maintenance switch must say, such as Bearer and its token',
  },
  {
    setting: 'app.vectors.request.header.value',
    names: ['APP_VECTORS_HEADER'],
    value: 'what the header of the request that re-points the app must say, such as Bearer and its token',
  },
  {
    setting: 'appServers.traffic.cloudflare.token',
    names: ['CLOUDFLARE_API_TOKEN'],
    value: 'a token of Cloudflare that may write the record or the pool before the app',
  },
  {
    setting: 'appServers.traffic.frontendConfig.token',
    names: ['FRONTEND_GITHUB_TOKEN'],
    value: 'a token of GitHub that may write variables and actions of the book’s repository',
  },
  {
    setting: 'appServers.traffic.caddy.header.value',
    names: ['CADDY_ADMIN_HEADER'],
    value: 'what the header of the gate before Caddy’s admin API must say',
  },
  {
    setting: 'appServers.servers.*.deploy.render.token',
    names: ['RENDER_API_KEY'],
    value: 'an API key of Render that may deploy the app’s services',
  },
  {
    setting: 'appServers.servers.*.deploy.hfSpace.token',
    names: ['HF_TOKEN'],
    value: 'a token of Hugging Face that may write the app’s Spaces',
  },
  {
    setting: 'appServers.servers.*.deploy.docker.registry.password',
    names: ['DOCKER_REGISTRY_PASSWORD'],
    value: 'the password or token that the app’s images are pulled with',
  },
  { setting: 'store.directory', names: ['STORE_DIRECTORY'], value: 'the folder of the artifact store', kind: 'path' },
  { setting: 'store.s3.bucket', names: ['STORE_S3_BUCKET'], value: 'the name of the bucket, for a store in S3' },
  { setting: 'store.s3.region', names: ['STORE_S3_REGION'], value: 'the region of the bucket, such as eu-central-1' },
  {
    setting: 'store.s3.endpoint',
    names: ['STORE_S3_ENDPOINT'],
    value: 'the address of another S3 server than Amazon’s, such as https://s3.example:9000',
  },
  { setting: 'store.s3.prefix', names: ['STORE_S3_PREFIX'], value: 'the folder of the bucket to stay in' },
  {
    setting: 'store.s3.forcePathStyle',
    names: ['STORE_S3_FORCE_PATH_STYLE'],
    value: 'true when the bucket stands in the path and not in the host name, or false',
    kind: 'flag',
  },
  { setting: 'store.s3.accessKeyId', names: ['STORE_S3_ACCESS_KEY_ID'], value: 'the access key of the bucket' },
  {
    setting: 'store.s3.secretAccessKey',
    names: ['STORE_S3_SECRET_ACCESS_KEY'],
    value: 'the secret of that access key',
  },
  {
    setting: 'store.encryption.recipients',
    names: ['STORE_AGE_RECIPIENTS'],
    value: 'public keys of age (age1…), with commas between them',
    kind: 'list',
  },
  {
    setting: 'store.encryption.identity',
    names: ['STORE_AGE_IDENTITY'],
    value: 'a private key of age (AGE-SECRET-KEY-1…)',
  },
  {
    setting: 'store.encryption.identityFile',
    names: ['STORE_AGE_IDENTITY_FILE'],
    value: 'the path of a file with private keys of age',
    kind: 'path',
  },
  {
    setting: 'configuration.recipients',
    names: ['CONFIGURATION_AGE_RECIPIENTS'],
    value: 'public keys of age (age1…), with commas between them',
    kind: 'list',
  },
  {
    setting: 'configuration.identity',
    names: ['CONFIGURATION_AGE_IDENTITY'],
    value: 'a private key of age (AGE-SECRET-KEY-1…)',
  },
  {
    setting: 'configuration.identityFile',
    names: ['CONFIGURATION_AGE_IDENTITY_FILE'],
    value: 'the path of a file with private keys of age',
    kind: 'path',
  },
  {
    setting: 'configuration.release.git',
    names: ['CONFIGURATION_RELEASE_GIT'],
    value: 'the folder of the working tree that the app runs from',
    kind: 'path',
  },
  { setting: 'temporal.uiUrl', names: ['TEMPORAL_UI_URL'], value: 'the address of the Temporal Web UI' },
  { setting: 'notify.webhookUrl', names: ['NOTIFY_WEBHOOK_URL'], value: 'the address that notices are posted to' },
];

/** Settings of the file that name a file or folder; a relative one is relative to the configuration file. */
export const PATH_SETTINGS = [
  'store.directory',
  'backup.coldStorage',
  'store.encryption.identityFile',
  'configuration.envFiles',
  'configuration.files',
  'configuration.identityFile',
  'configuration.release.git',
  'content.directory',
  'goldenQuestions',
  'appServers.releases.git',
  'appServers.servers.*.deploy.command.ssh.keyFile',
  'appServers.servers.*.deploy.command.ssh.knownHostsFile',
  'appServers.servers.*.deploy.docker.tcp.caFile',
  'appServers.servers.*.deploy.docker.tcp.certFile',
  'appServers.servers.*.deploy.docker.tcp.keyFile',
  'qdrantReplacement.cloud.keyFile',
  'postgres.binDir',
  'postgres.scratchDir',
  'postgres.recovery.handMadeDumps',
] as const;

/** The path of the configuration file itself, when it is not `recovery.config.*` in the current folder. */
export const CONFIG_FILE_VARIABLE = 'RECOVERY_CONFIG';

export function variableOf(setting: string): Variable | undefined {
  return VARIABLES.find((variable) => variable.setting === setting);
}
