import { RecoveryError } from '../../../domain/failures.ts';

/** What a dump in plain SQL says of where it comes from. */
export interface PlainFacts {
  /** Major version of the server that it was made of. */
  readonly serverMajor?: number | undefined;
  readonly encoding?: string | undefined;
  readonly extensions: readonly string[];
}

const COMPLETE = '-- PostgreSQL database dump complete';
/** New editions of pg_dump put these around the whole: psql then takes no command from what is between. */
const RESTRICT = /^\\(?:un)?restrict [A-Za-z0-9]+\s*$/;
/** Where something begins that is not what it looks like; or ends a statement; or is psql's. */
const TOKEN = /--|\/\*|'|"|\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$|;|\\/g;
const WORD_BEFORE = /[\w$\x80-\xff]$/;
const ESCAPES_BEFORE = /(?:^|[^\w$\x80-\xff])[eE]$/;
const COPY = /^COPY\b.*\bFROM\s+STDIN\b/is;
/** What other databases and roles would notice: `pg_dump --create` and `pg_dumpall` write it. */
const OUTSIDE =
  /^(?:(?:CREATE|ALTER|DROP)\s+(?:DATABASE|ROLE|USER(?!\s+MAPPING)|GROUP|TABLESPACE)|(?:GRANT|REVOKE|COMMENT|SECURITY\s+LABEL)\b.*\bON\s+DATABASE)\b/is;
const DEFAULT_PRIVILEGES = /^ALTER DEFAULT PRIVILEGES FOR ROLE ("(?:[^"]|"")+"|[a-z_][\w$]*) /;
/** A statement tells what it is in so much of it: a table may have 1,600 columns. */
const HEAD = 1 << 18;

/** What goes on over the end of a line. */
type Open =
  | { readonly kind: 'text'; readonly escapes: boolean }
  | { readonly kind: 'until'; readonly mark: string }
  | { readonly kind: 'comment'; readonly depth: number };

/**
 * Reads a dump in plain SQL a line at a time (bytes as latin1), as psql would split it, and refuses what must not run: psql's own
 * commands, which can connect elsewhere or start programs, and statements about databases and roles.
 *
 * It tells text from statements as far as one can without running them. Where psql knows `\restrict`, that stops what a forged
 * file may hide.
 */
export class PlainDumpReader {
  #serverMajor: number | undefined;
  #encoding: string | undefined;
  readonly #extensions: string[] = [];
  readonly #keepsDefaultsOf: (role: string) => boolean;
  #open: Open | undefined;
  #inCopy = false;
  #escaping = false;
  #complete = false;
  #head = '';
  #number = 0;

  /** @param keepsDefaultsOf whether default privileges of a role can be given */
  constructor(keepsDefaultsOf: (role: string) => boolean) {
    this.#keepsDefaultsOf = keepsDefaultsOf;
  }

  /**
   * Takes a line, without its end. False for one that is to be left out.
   * @throws RecoveryError INVALID_INPUT naming the line
   */
  take(line: string): boolean {
    this.#number += 1;
    if (this.#inCopy) {
      if (line.startsWith('\\.') && line.trimEnd() === '\\.') this.#inCopy = false;
      return true;
    }
    if (this.#open === undefined && this.#head.trim() === '') {
      if (RESTRICT.test(line)) return false;
      const role = DEFAULT_PRIVILEGES.exec(line)?.[1];
      if (role !== undefined && line.trimEnd().endsWith(';') && !this.#keepsDefaultsOf(unquote(role))) return false;
      this.#note(line);
    }
    this.#scan(line);
    return true;
  }

  /** @throws RecoveryError INVALID_INPUT when the dump breaks off */
  end(): PlainFacts {
    if (!this.#complete || this.#inCopy || this.#open !== undefined) {
      throw refused(`breaks off: it does not end with "${COMPLETE}"`);
    }
    return { serverMajor: this.#serverMajor, encoding: this.#encoding, extensions: this.#extensions };
  }

  #note(line: string): void {
    if (line.trimEnd() === COMPLETE) this.#complete = true;
    const major = /^-- Dumped from database version (\d+)/.exec(line)?.[1];
    if (major !== undefined) this.#serverMajor ??= Number(major);
    this.#encoding ??= /^SET client_encoding = '([A-Za-z0-9_]+)';/.exec(line)?.[1];
    const extension = /^CREATE EXTENSION (?:IF NOT EXISTS )?("(?:[^"]|"")+"|[\w-]+)/.exec(line)?.[1];
    if (extension !== undefined) this.#extensions.push(unquote(extension));
  }

  #scan(line: string): void {
    let at = 0;
    while (at < line.length) {
      at = this.#open === undefined ? this.#step(line, at) : this.#skip(line, at, this.#open);
    }
    this.#say('\n');
  }

  /** Statements' own words up to the next token; where to go on. */
  #step(line: string, from: number): number {
    TOKEN.lastIndex = from;
    const found = TOKEN.exec(line);
    this.#say(line.slice(from, found?.index));
    if (!found) return line.length;
    const [token] = found;
    const [before, after] = [line.slice(Math.max(0, found.index - 2), found.index), found.index + token.length];
    if (token === '--') return line.length;
    if (token === '\\') throw this.#refuse(`a command of psql (${/^\S*/.exec(line.slice(found.index))?.[0]})`);
    if (token === ';') return this.#endStatement(line.slice(after), after);
    if (token === '/*') this.#open = { kind: 'comment', depth: 1 };
    else if (token === '"') this.#quote('""', { kind: 'until', mark: '"' });
    else if (token === "'") this.#quote("''", { kind: 'text', escapes: this.#escaping || ESCAPES_BEFORE.test(before) });
    else if (WORD_BEFORE.test(before)) return found.index + 1;
    else this.#quote("''", { kind: 'until', mark: token });
    return after;
  }

  #quote(instead: string, open: Open): void {
    this.#say(instead);
    this.#open = open;
  }

  /** Over what is quoted or commented; where to go on. */
  #skip(line: string, from: number, open: Open): number {
    if (open.kind === 'comment') return this.#skipComment(line, from, open.depth);
    if (open.kind === 'text' && open.escapes) return this.#skipEscapes(line, from);
    // A doubled quote ends here and begins again at once, which comes to the same.
    const mark = open.kind === 'text' ? "'" : open.mark;
    const end = line.indexOf(mark, from);
    if (end < 0) return line.length;
    this.#open = undefined;
    return end + mark.length;
  }

  #skipComment(line: string, from: number, depth: number): number {
    const marks = /\/\*|\*\//g;
    marks.lastIndex = from;
    const found = marks.exec(line);
    if (!found) return line.length;
    const left = depth + (found[0] === '/*' ? 1 : -1);
    this.#open = left === 0 ? undefined : { kind: 'comment', depth: left };
    return marks.lastIndex;
  }

  #skipEscapes(line: string, from: number): number {
    const marks = /\\.?|''|'/g;
    marks.lastIndex = from;
    for (let found = marks.exec(line); found; found = marks.exec(line)) {
      if (found[0] !== "'") continue;
      this.#open = undefined;
      return marks.lastIndex;
    }
    return line.length;
  }

  #endStatement(rest: string, after: number): number {
    const statement = this.#head.trim();
    this.#head = '';
    if (OUTSIDE.test(statement)) {
      throw this.#refuse(`${excerpt(statement)}: it was made with --create, or by pg_dumpall`);
    }
    if (/^SET\s+standard_conforming_strings\b.*\boff$/is.test(statement)) this.#escaping = true;
    if (!COPY.test(statement)) return after;
    if (rest.trim() !== '') throw this.#refuse('something after COPY … FROM stdin');
    this.#inCopy = true;
    return after + rest.length;
  }

  #say(words: string): void {
    if (words.trim() !== '') this.#complete = false;
    if (this.#head.length < HEAD) this.#head += words;
  }

  #refuse(what: string): RecoveryError {
    return refused(`line ${this.#number}: ${what}`);
  }
}

function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

function excerpt(statement: string): string {
  return statement.replace(/\s+/g, ' ').slice(0, 60);
}

function refused(what: string): RecoveryError {
  return new RecoveryError('INVALID_INPUT', `plainDump: ${what}`);
}
