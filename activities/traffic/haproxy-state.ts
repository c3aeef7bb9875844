import { RecoveryError } from '../../domain/failures.ts';

/** One server of a backend, as HAProxy has it now. */
export interface Server {
  readonly name: string;
  /** `host:port` that it is reached at. */
  readonly address: string;
  /** Nobody gets there: a person's, the configuration's or a tracked server's doing. */
  readonly inMaintenance: boolean;
  /** Chosen for new requests: neither in maintenance nor drained, and with a weight. Whether it is up is another matter. */
  readonly isIn: boolean;
  readonly weight: number;
  /** By its own checks; true where there are none. */
  readonly isUp: boolean;
  readonly hasChecks: boolean;
  /** Used only while no other server can be. */
  readonly isBackup: boolean;
  /** Readers are bound to it by a cookie: they get there though it is drained. */
  readonly hasCookie: boolean;
  /** In HAProxy's words, such as `DOWN (L4CON)`. */
  readonly status: string;
}

/** Bits of `srv_admin_state`: forced, inherited, by DNS, by a host name that is not resolved. */
const MAINTENANCE = 0x01 | 0x02 | 0x20 | 0x40;
const DRAINED = 0x08 | 0x10;
/** `srv_op_state`: starting up slowly, and running. */
const UP = ['1', '2'];
/** Bits of `srv_check_state`: there are checks, and they are on. */
const CHECKED = 0x02 | 0x04;

type Row = Readonly<Record<string, string>>;

/** What to ask for `readServers`. */
export const stateCommands = (backend: string): string => `show servers state ${backend}; show stat ${backend} 4 -1`;

/** @throws RecoveryError TRAFFIC_REFUSED when it is no such answer */
export function readServers(what: string, said: string): Server[] {
  const lines = said.split('\n');
  const states = table(lines, /^# be_id /, (line) => line.split(' '));
  const numbers = table(lines, /^# pxname,/, splitCsv);
  if (states.length === 0)
    throw new RecoveryError('TRAFFIC_REFUSED', `${what}: ${said.trim().slice(0, 200) || 'it has no servers'}`);
  return states.map((row) => serverOf(row, numbers.find((one) => one['svname'] === row['srv_name']) ?? {}));
}

function serverOf(state: Row, numbers: Row): Server {
  const admin = Number(state['srv_admin_state']);
  const weight = Number(state['srv_uweight']);
  const inMaintenance = (admin & MAINTENANCE) !== 0;
  const check = numbers['check_status']?.replace(/^\* /, '') ?? '';
  return {
    name: state['srv_name'] ?? '',
    address: `${state['srv_addr']}:${state['srv_port']}`,
    inMaintenance,
    isIn: !inMaintenance && (admin & DRAINED) === 0 && weight > 0,
    weight,
    isUp: UP.includes(state['srv_op_state'] ?? ''),
    hasChecks: (Number(state['srv_check_state']) & CHECKED) === CHECKED,
    isBackup: numbers['bck'] === '1',
    hasCookie: (numbers['cookie'] ?? '') !== '',
    status: `${numbers['status'] ?? 'unknown'}${check === '' ? '' : ` (${check})`}`,
  };
}

/** Rows below the heading, up to an empty line, by the names of the heading. */
function table(lines: readonly string[], heading: RegExp, split: (line: string) => string[]): Row[] {
  const at = lines.findIndex((line) => heading.test(line));
  if (at < 0) return [];
  const names = split((lines[at] ?? '').slice(2));
  const rest = lines.slice(at + 1);
  const end = rest.indexOf('');
  return rest
    .slice(0, end < 0 ? undefined : end)
    .map((line) => split(line))
    .map((values) => Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])));
}

/** Descriptions of checks may hold commas, and are quoted then. */
function splitCsv(line: string): string[] {
  return [...line.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
