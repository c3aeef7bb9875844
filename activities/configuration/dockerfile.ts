import type { Declared } from '../../domain/declared.ts';
import { healthOf, portIn, portOf } from './health-url.ts';

/** Base images that bring neither `curl` nor, for the most part, `wget`. */
const BARE = /-slim|distroless|chainguard/;

/** What the last stage of a Dockerfile says: that is what runs. */
export function readDockerfile(where: string, text: string): Declared {
  const whole = text.replaceAll(/\\\r?\n/g, ' ');
  const stage = whole.slice(Math.max(0, whole.search(/^FROM(?![^]*^FROM)/im)));
  const lines = stage.split('\n').map((line) => line.trim());
  const of = (instruction: string): string[] =>
    lines.flatMap((line) =>
      line.toUpperCase().startsWith(`${instruction} `) ? [line.slice(instruction.length + 1)] : [],
    );
  const asked = healthOf(where, of('HEALTHCHECK').at(-1) ?? '');
  const base = of('FROM')[0] ?? '';
  const installed = of('RUN').join(' ');
  return {
    ports: [
      ...of('EXPOSE')
        .flatMap((ports) => ports.split(/\s+/))
        .flatMap((port) => portOf(where, /^(\d{1,5})(?:\/tcp)?$/.exec(port)?.[1])),
      ...portOf(where, portIn([...of('ENTRYPOINT'), ...of('CMD')].join(' '))),
      ...asked.ports,
    ],
    health: asked.health,
    volumes: [],
    lacking: BARE.test(base) ? ['curl', 'wget'].filter((program) => !installed.includes(program)) : [],
  };
}
