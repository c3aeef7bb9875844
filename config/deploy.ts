import { z } from 'zod';
import { httpUrlSchema, secretSchema } from './values.ts';

const absolutePath = z.string().regex(/^\/[^\0\r\n]*$/, 'must be a path from the root');
/** What a program could take for an option is no name. */
const hostName = z.string().regex(/^[A-Za-z0-9[][\w.:\]-]*$/, 'must be a host name or an address');

/** A program and its arguments; no shell reads them. */
const programSchema = z.strictObject({
  run: z.array(z.string().min(1)).min(1),
  /** The folder it runs in. */
  cwd: absolutePath.optional(),
  timeoutSeconds: z.number().positive().max(7_200).default(600),
});
export type ProgramConfig = z.infer<typeof programSchema>;

/** `find` and `stop` know no release. */
const plainProgramSchema = programSchema.refine(({ run }) => !run.some((part) => /\{(?:ref|pinned)\}/.test(part)), {
  path: ['run'],
  error: 'knows no release: {ref} and {pinned} are filled in for the commands of `run` only',
});

/** The system's `ssh`. Nothing is asked, no other key is tried, and a host that is not known is not talked to. */
const sshSchema = z.strictObject({
  host: hostName,
  port: z.int().min(1).max(65_535).default(22),
  user: z.string().regex(/^[A-Za-z0-9_][\w.-]*$/, 'must be a name of a user'),
  keyFile: z.string().min(1),
  /** As `ssh-keyscan` writes it, once it was compared with what the server itself says. */
  knownHostsFile: z.string().min(1),
  connectSeconds: z.number().positive().max(300).default(15),
});
export type SshConfig = z.infer<typeof sshSchema>;

/** Commands, here or on another server over SSH. */
const commandSchema = z.strictObject({
  /** Where they run; on the worker's machine when absent. */
  ssh: sshSchema.optional(),
  /**
   * Bring a release up, one after the other; `{ref}` and `{pinned}` are filled in. They may be run twice: a second time must end
   * with the same, not with a second app.
   */
  run: z.array(programSchema).min(1).max(50),
  /** Says what runs: prints one line `{"state": "running", "release": "<pinned>", "id": "..."}`. Changes nothing. */
  find: plainProgramSchema,
  /** Ends what runs there. May be run when nothing does. */
  stop: z.array(plainProgramSchema).min(1).max(50),
  /** A file, where the commands run, that remembers what was deployed under which key. Its folder must be there. */
  stateFile: absolutePath,
  /** How long what was started may take until `find` says that it runs. */
  readySeconds: z.number().positive().max(3_600).default(120),
  pollSeconds: z.number().min(0.01).max(60).default(2),
});
export type CommandDeployConfig = z.infer<typeof commandSchema>;

const dockerName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{1,100}$/, 'must be a name as Docker has them: two characters or more');

/** An engine: its socket, or TCP with TLS on both sides. */
const dockerSchema = z
  .strictObject({
    socket: absolutePath.optional(),
    tcp: z
      .strictObject({
        host: hostName,
        port: z.int().min(1).max(65_535).default(2376),
        caFile: z.string().min(1),
        certFile: z.string().min(1),
        keyFile: z.string().min(1),
      })
      .optional(),
    container: dockerName,
    ports: z
      .array(
        z.strictObject({
          container: z.int().min(1).max(65_535),
          host: z.int().min(1).max(65_535),
          address: z.string().min(1).default('0.0.0.0'),
          protocol: z.enum(['tcp', 'udp']).default('tcp'),
        }),
      )
      .default([]),
    /** As `docker run --volume` takes them: `name:/path`, or `/path:/path:ro`. */
    volumes: z
      .array(z.string().regex(/^[^:]+:\/[^:]*(?::[a-zA-Z,]+)?$/, 'must be name:/path or /path:/path'))
      .default([]),
    network: z.string().min(1).optional(),
    restart: z.enum(['no', 'always', 'unless-stopped', 'on-failure']).default('unless-stopped'),
    /** Takes the place of the image's own. Without either, a container that goes on running is taken to be well. */
    healthcheck: z
      .strictObject({
        /** Run in the container; no shell reads it. */
        run: z.array(z.string().min(1)).min(1),
        intervalSeconds: z.number().positive().max(600).default(5),
        timeoutSeconds: z.number().positive().max(600).default(5),
        retries: z.int().min(1).max(100).default(3),
        startSeconds: z.number().nonnegative().max(3_600).default(0),
      })
      .optional(),
    /** For a registry that does not give the image to everybody. */
    registry: z
      .strictObject({ username: z.string().min(1), password: secretSchema, server: z.string().min(1) })
      .optional(),
    pullMinutes: z.number().positive().max(240).default(20),
    /** How long a container may take until it is healthy. */
    healthySeconds: z.number().positive().max(3_600).default(180),
    /** How long one without a health check must go on running. */
    settleSeconds: z.number().nonnegative().max(600).default(5),
    /** How long it is given to end by itself. */
    stopSeconds: z.int().nonnegative().max(600).default(30),
    pollSeconds: z.number().min(0.01).max(60).default(1),
  })
  .refine(({ socket, tcp }) => (socket === undefined) !== (tcp === undefined), {
    path: ['socket'],
    error: 'either socket or tcp: exactly one of the two',
  });
export type DockerDeployConfig = z.infer<typeof dockerSchema>;

/** How long a vendor may build and start, and how often it is asked. */
const patience = {
  deployMinutes: z.number().positive().max(240).default(30),
  pollSeconds: z.number().min(0.01).max(60).default(5),
};

/** A service of Render, made from a repository or from an image. */
const renderSchema = z.strictObject({
  apiUrl: httpUrlSchema.default('https://api.render.com/v1'),
  token: secretSchema,
  serviceId: z.string().regex(/^[\w-]+$/, 'must be an id as Render shows it, such as srv-...'),
  ...patience,
});
export type RenderDeployConfig = z.infer<typeof renderSchema>;

/** A Space of Hugging Face. */
const hfSpaceSchema = z.strictObject({
  hubUrl: httpUrlSchema.default('https://huggingface.co'),
  /** May write the Space and its settings. */
  token: secretSchema,
  space: z.string().regex(/^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/, 'must be owner/name'),
  /** The branch that the Space is built from. */
  branch: z
    .string()
    .regex(/^[A-Za-z0-9][\w./-]*$/)
    .default('main'),
  /** Where releases come from: a repository that the worker's `git` can fetch from, an address or a path. */
  repository: z.string().regex(/^[^-\s]\S*$/, 'must be an address or a path of a repository'),
  /** The folder of the repository that is the Space, when it is not all of it. */
  folder: z
    .string()
    .regex(/^[A-Za-z0-9_.][^\0\r\n:]*$/, 'must be a path below the root of the repository')
    .optional(),
  /** Variables that the Space may show to everybody; all others are secrets there. */
  publicVariables: z.array(z.string().min(1)).default([]),
  gitSeconds: z.number().positive().max(3_600).default(300),
  ...patience,
});
export type HfSpaceDeployConfig = z.infer<typeof hfSpaceSchema>;

/** What brings a release of the app onto one server: exactly one of these. */
export const deployConfigSchema = z
  .strictObject({
    command: commandSchema.optional(),
    docker: dockerSchema.optional(),
    render: renderSchema.optional(),
    hfSpace: hfSpaceSchema.optional(),
  })
  .refine((kinds) => Object.values(kinds).filter((kind) => kind !== undefined).length === 1, {
    error: 'exactly one of command, docker, render and hfSpace',
  });
export type DeployConfig = z.infer<typeof deployConfigSchema>;
