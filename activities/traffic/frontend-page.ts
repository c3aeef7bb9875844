import { RecoveryError } from '../../domain/failures.ts';
import { exchange, excerpt, mayPass, type Reply } from '../exchange.ts';
import { lookedUp } from './vendor.ts';

const DEADLINE_MS = 20_000;
/** Scripts that are looked into; a book has some ten. */
const MOST_SCRIPTS = 60;

/**
 * Whether a published page names an address: in its own text, or in a script that it or one of its scripts names.
 * @throws RecoveryError TRAFFIC_UNREACHABLE, TRAFFIC_REFUSED
 */
export async function pageNames(page: string, address: string, signal?: AbortSignal): Promise<boolean> {
  // Caches in between know the page by its whole address; scripts have a name of their own for every content.
  const fresh = new URL(page);
  fresh.searchParams.set('dr', String(Date.now()));
  const html = await fetchText(fresh.href, page, signal);
  if (html === undefined) throw new RecoveryError('TRAFFIC_REFUSED', `page ${page}: 404, there is no such page`);
  if (names(html, address)) return true;
  const queue = scriptsOf(html, page);
  for (let at = 0; at < queue.length && at < MOST_SCRIPTS; at += 1) {
    const script = queue[at] ?? '';
    const text = await fetchText(script, script, signal);
    if (text === undefined) continue;
    if (names(text, address)) return true;
    queue.push(...importsOf(text, script).filter((one) => !queue.includes(one)));
  }
  return false;
}

/** The address as a whole, not as the beginning of another one; slashes may be escaped in a script. */
function names(text: string, address: string): boolean {
  const bare = address.replace(/\/+$/, '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w.-])${bare}(?![\\w-]|\\.\\w|:\\d)`, 'i').test(text.replaceAll('\\/', '/'));
}

/** `undefined` where there is nothing. */
async function fetchText(url: string, shown: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const headers = { accept: '*/*', 'cache-control': 'no-cache' };
  const send = (): Promise<Reply> => exchange({ url, method: 'GET', headers, deadlineMs: DEADLINE_MS, signal });
  const { status, text } = await lookedUp(`page ${shown}`, send);
  if (status === 200) return text;
  if (status === 404) return undefined;
  const code = mayPass(status) ? 'TRAFFIC_UNREACHABLE' : 'TRAFFIC_REFUSED';
  throw new RecoveryError(code, `page ${shown}: ${status} ${excerpt(text)}`);
}

/** Scripts of the page's own server: what others serve does not hold its settings. */
function scriptsOf(html: string, page: string): string[] {
  const tags = html.match(/<(?:script|link)\b[^>]*>/gi) ?? [];
  const places = tags.flatMap((tag) => /\b(?:src|href)\s*=\s*["']?([^"'\s>]+)/i.exec(tag)?.[1] ?? []);
  return within(
    places.filter((place) => /\.m?js(?:[?#]|$)/.test(place)),
    page,
  );
}

/** `import './chunk.js'`, in all its forms. */
function importsOf(text: string, script: string): string[] {
  const places = [...text.matchAll(/["'`]((?:\.{1,2}\/|\/)[\w./@-]+\.m?js)["'`]/g)].flatMap(([, place]) => place ?? []);
  return within(places, script);
}

function within(places: readonly string[], base: string): string[] {
  const { origin } = new URL(base);
  const all = places.filter((place) => URL.canParse(place, base)).map((place) => new URL(place, base));
  return [...new Set(all.filter((url) => url.origin === origin).map(({ href }) => href))];
}
