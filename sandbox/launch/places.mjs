/** Any of these says that something else than the sandbox is meant. */
const VARIABLES =
  /^(TEMPORAL_ADDRESS|TEMPORAL_PROFILE|TEMPORAL_CONFIG_FILE|DR_ENVIRONMENT|RECOVERY_CONFIG|STORE_DIRECTORY|STORE_S3_\w+)$/;
const OPTIONS = /^(--config|--environment|-e)(=|$)/;

/** What names the place that a command works on: variables that are set, and options that are given. */
export function namedPlaces(env, args) {
  return [
    ...Object.keys(env).filter((name) => VARIABLES.test(name) && env[name]),
    ...args.filter((arg) => OPTIONS.test(arg)).map((arg) => arg.split('=')[0]),
  ];
}
