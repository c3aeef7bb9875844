import type { Declared, DeclaredVolumes } from './declared.ts';
import { NOTHING_DECLARED } from './declared.ts';
import type { FoundApp } from './discovered.ts';
import type { Hazard, Surroundings } from './hazards.ts';

/** Where these images keep their data. Of Postgres both, since 18 keeps it elsewhere than those before. */
const DATA: Readonly<Record<string, readonly string[]>> = {
  'qdrant/qdrant': ['/qdrant/storage'],
  postgres: ['/var/lib/postgresql', '/var/lib/postgresql/data'],
  'pgvector/pgvector': ['/var/lib/postgresql', '/var/lib/postgresql/data'],
};

/** What a deployment's files say that is not so. */
export function declaredHazards(app: FoundApp | undefined, { declared = NOTHING_DECLARED }: Surroundings): Hazard[] {
  return [
    ...declared.volumes.flatMap(losesData),
    ...differentPorts(declared),
    ...(app ? wrongHealth(app, declared) : []),
    ...missingPrograms(declared),
  ];
}

function losesData({ where, image, targets }: DeclaredVolumes): Hazard[] {
  const folders = DATA[image];
  if (!folders || folders.some((folder) => targets.some((target) => target === folder))) return [];
  const others = targets.length > 0 ? `, but ${targets.join(', ')}` : '';
  return [
    {
      name: 'volume-path',
      state: 'broken',
      message: `${where}: no volume holds ${folders[0]}${others}: the data is lost when the container is made anew`,
      next: `Copy the data out first (\`dr backup\`), then mount a volume at ${folders[0]}.`,
    },
  ];
}

function differentPorts({ ports }: Declared): Hazard[] {
  if (new Set(ports.map(({ port }) => port)).size < 2) return [];
  const said = ports.map(({ port, where }) => `${port} (${where})`).join(', ');
  return [
    {
      name: 'declared-port',
      state: 'warning',
      message: `the files do not agree on where the app listens: ${said}`,
      next: 'Correct them: a backup server that is made of them does not answer.',
    },
  ];
}

function wrongHealth(app: FoundApp, { health }: Declared): Hazard[] {
  const answering = app.health.map(({ path }) => path);
  return health
    .filter(({ path }) => !answering.includes(path))
    .map(({ path, where }) => ({
      name: 'declared-health',
      state: 'warning',
      message: `${where} asks ${path} for the app’s health, where the app has nothing${answering.length > 0 ? `; it answers at ${answering.join(', ')}` : ''}`,
      next: 'Correct the file: what it deploys is taken for a failed one, and restarted for ever.',
    }));
}

function missingPrograms({ health, lacking }: Declared): Hazard[] {
  return health.flatMap(({ where, program }): Hazard[] =>
    program === undefined || !lacking.includes(program)
      ? []
      : [
          {
            name: 'health-program',
            state: 'warning',
            message: `${where} asks for the app’s health with ${program}, which its image does not have`,
            next: `Install ${program} in the image, or ask with what is there.`,
          },
        ],
  );
}
