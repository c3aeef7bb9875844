import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Declared } from '../../domain/declared.ts';
import { NOTHING_DECLARED } from '../../domain/declared.ts';
import { readDockerfile } from './dockerfile.ts';
import { healthOf, portIn, portOf } from './health-url.ts';

const MOST_BYTES = 256 * 1024;
const COMPOSE = /compose[^/]*\.ya?ml$/i;

const strings = z.union([z.string().transform((one) => [one]), z.array(z.coerce.string())]);
const volumeSchema = z.union([
  z.string().transform((text) => text.split(':')[1] ?? text),
  z.looseObject({ target: z.string() }).transform(({ target }) => target),
]);
const portSchema = z.union([
  z.number().transform(String),
  z.string(),
  z.looseObject({ target: z.coerce.string() }).transform(({ target }) => target),
]);
const serviceSchema = z.looseObject({
  image: z.string().optional(),
  build: z.unknown().optional(),
  volumes: z.array(volumeSchema).catch([]).default([]),
  ports: z.array(portSchema).catch([]).default([]),
  command: strings.optional().catch(undefined),
  healthcheck: z.looseObject({ test: strings.optional() }).optional().catch(undefined),
});
const composeSchema = z.looseObject({ services: z.record(z.string(), serviceSchema) });
const renderSchema = z.looseObject({ services: z.array(z.looseObject({ healthCheckPath: z.string().optional() })) });
const railwaySchema = z.looseObject({ deploy: z.looseObject({ healthcheckPath: z.string().optional() }).optional() });

/**
 * What Dockerfiles, compose files, `render.yaml` and `railway.json` say of ports, health paths and volumes. Others are passed over;
 * so is what they say beside that, such as values of variables.
 * @returns besides, which files could not be read
 */
export async function readDeclared(files: readonly string[]): Promise<{ declared: Declared; leftOut: string[] }> {
  let declared = NOTHING_DECLARED;
  const leftOut: string[] = [];
  for (const file of files) {
    try {
      declared = join(declared, readOne(basename(file), await textOf(file)));
    } catch {
      // Its own message quotes the file, which may hold a secret.
      leftOut.push(`${basename(file)} is left out: it is not there, or not what its name says`);
    }
  }
  return { declared, leftOut };
}

/** The same of texts that were read already: the plain files of a set. What is not what its name says declares nothing. */
export function declaredIn(files: readonly { name: string; text: string }[]): Declared {
  return files.reduce((declared, { name, text }) => {
    try {
      return join(declared, readOne(basename(name), text));
    } catch {
      return declared;
    }
  }, NOTHING_DECLARED);
}

async function textOf(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function readOne(name: string, text: string): Declared {
  if (/^(?:.+\.)?dockerfile(?:\..+)?$/i.test(name)) return readDockerfile(name, text);
  if (COMPOSE.test(name)) return readCompose(name, text);
  if (/^render\.ya?ml$/.test(name))
    return healthOnly(
      name,
      renderSchema.parse(parse(text)).services.map(({ healthCheckPath }) => healthCheckPath),
    );
  if (name === 'railway.json') return healthOnly(name, [railwaySchema.parse(JSON.parse(text)).deploy?.healthcheckPath]);
  return NOTHING_DECLARED;
}

function healthOnly(where: string, paths: readonly (string | undefined)[]): Declared {
  return { ...NOTHING_DECLARED, health: paths.flatMap((path) => (path === undefined ? [] : [{ where, path }])) };
}

function readCompose(name: string, text: string): Declared {
  const services = Object.entries(composeSchema.parse(parse(text, { merge: true, logLevel: 'silent' })).services);
  const volumes = services.flatMap(([service, { image, volumes: targets }]) =>
    image === undefined ? [] : [{ where: `${name}, ${service}`, image: imageName(image), targets }],
  );
  // Of several that are built here nobody can tell which one is the app.
  const [own, ...others] = services.filter(([, { build }]) => build !== undefined);
  if (!own || others.length > 0) return { ...NOTHING_DECLARED, volumes };
  const [service, { ports, healthcheck, command = [] }] = own;
  const where = `${name}, ${service}`;
  const asked = healthOf(where, (healthcheck?.test ?? []).join(' '));
  return {
    ...NOTHING_DECLARED,
    volumes,
    ports: [
      ...ports.flatMap((port) => portOf(where, /(\d{1,5})(?:\/tcp)?$/.exec(port)?.[1])),
      ...portOf(where, portIn(command.join(' '))),
      ...asked.ports,
    ],
    health: asked.health,
  };
}

/** Without registry, tag and digest. */
function imageName(image: string): string {
  const [path = ''] = image.split('@');
  return path.replace(/:[\w.-]+$/, '').replace(/^(?:docker\.io\/)?(?:library\/)?/, '');
}

function join(one: Declared, other: Declared): Declared {
  return {
    ports: [...one.ports, ...other.ports],
    health: [...one.health, ...other.health],
    volumes: [...one.volumes, ...other.volumes],
    lacking: [...one.lacking, ...other.lacking],
  };
}
