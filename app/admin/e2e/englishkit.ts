// What english.spec.ts asks of a page: which Chinese on it is the panel's own or the
// program's, and which was typed by somebody and so stays as it is.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Han, and the punctuation that only Chinese has. */
const chinese = /[\u3400-\u9fff\u3001\u3002\uff08\uff09\uff0c\uff1a\uff1b]/;

/** typed are the names of fields that people write: those of the bodies that the API takes.
 * The types of the panel say which (npm run types). */
function typed(): Set<string> {
  const schema = readFileSync(join(root, 'app/admin/src/api/schema.d.ts'), 'utf8');
  const bodies = new Map<string, string>();
  for (const m of schema.matchAll(/^ {8}"?([\w.]+)"?: \{\n([\s\S]*?)^ {8}\};/gm)) bodies.set(m[1] ?? '', m[2] ?? '');
  const found = new Set<string>();
  const seen = new Set<string>();
  const read = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    const body = bodies.get(name) ?? '';
    for (const m of body.matchAll(/^\s+(\w+)\??:/gm)) found.add(m[1] ?? '');
    for (const m of body.matchAll(/\["schemas"\]\["([\w.]+)"\]/g)) read(m[1] ?? '');
  };
  for (const m of schema.matchAll(/requestBody\??: \{[\s\S]*?\};\s+\};/g))
    for (const one of m[0].matchAll(/\["schemas"\]\["([\w.]+)"\]/g)) read(one[1] ?? '');
  return found;
}

/** Texts that come with the program and are operators' own from then on, to be edited. */
const given = /(?:operator\/\w+|campaign\/\w+|profile\/field|tag\/starter|poster\/builtin)\.go$/;

/** program are whole texts of the program: what it calls things by itself nobody typed, but
 * for the samples of the demo and what was given. */
function program(): Set<string> {
  const own = new Set<string>();
  const others = new Set<string>();
  for (const dir of ['model', 'handler', 'job', 'app/siyu'])
    for (const name of readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' })) {
      if (!/(?<!_test)\.go$/.test(name)) continue;
      const into = dir === 'app/siyu' || given.test(name) ? others : own;
      for (const m of readFileSync(join(root, dir, name), 'utf8').matchAll(/"([^"\n]*)"/g))
        if (chinese.test(m[1] ?? '')) into.add(m[1] ?? '');
    }
  for (const text of others) own.delete(text);
  return own;
}

/** kept are the sentences of i18n/kept.json: what stands in their holes was typed, or is one
 * of them itself. */
function kept(): RegExp[] {
  const texts = JSON.parse(readFileSync(join(root, 'app/admin/src/i18n/kept.json'), 'utf8')) as Record<string, string>;
  return Object.keys(texts)
    .filter((key) => key.includes('{}') && /[\u3400-\u9fff]/.test(key))
    .map((key) => new RegExp(`^${key.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll('{}', '([\\s\\S]+?)')}$`));
}

/** Facts from outside that nobody types and no language changes: names of cities, of people
 * at WeChat, of things beside their own records. */
const outside = /(?:^|_)(?:name|nickname|prize|city|cities|place)$|^shown$|^(?:before|after)$/;

type Said = { code: string; text: string; args: object; words: object };
const isSaid = (o: object): o is Said => 'code' in o && 'args' in o && 'words' in o;

/** Reader learns from the API's answers what people typed. */
export class Reader {
  private readonly fields = typed();
  private readonly own = program();
  private readonly kept = kept();
  private readonly words = new Set<string>();
  private readonly reading: Promise<void>[] = [];

  /** listen to what a page asks. */
  listen(page: Page): void {
    page.on('response', (r) => {
      if (!r.url().includes('/admin/api/v1/')) return;
      this.reading.push(
        r.json().then(
          (body: unknown) => this.learn(body, ''),
          () => {}, // no JSON, or the page was left
        ),
      );
    });
  }

  private learn(value: unknown, field: string): void {
    if (typeof value === 'string') {
      if (!chinese.test(value)) return;
      for (const shape of this.kept)
        for (const part of shape.exec(value)?.slice(1) ?? [])
          if (chinese.test(part) && !this.own.has(part)) this.words.add(part.trim());
      const known = this.fields.has(field) || outside.test(field);
      if (known && !this.own.has(value)) for (const line of value.split('\n')) this.words.add(line.trim());
      return;
    }
    if (Array.isArray(value)) for (const v of value) this.learn(v, field);
    else if (value && typeof value === 'object')
      for (const [k, v] of Object.entries(value)) {
        if (isSaid(value) && k === 'text') continue; // its parts are its own
        this.learn(v, isSaid(value) || field === 'before' || field === 'after' ? 'name' : k);
      }
  }

  /** left is the Chinese of a page that nobody typed. */
  async left(page: Page): Promise<string[]> {
    await Promise.all(this.reading);
    const texts = await page.evaluate(() => {
      const all: string[] = [document.title];
      const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) {
        const at = walk.currentNode.parentElement;
        if (at && !at.closest('script, style, [data-typed]')) all.push(walk.currentNode.textContent ?? '');
      }
      for (const e of document.querySelectorAll('[aria-label], [title], [placeholder], [alt]'))
        for (const name of ['aria-label', 'title', 'placeholder', 'alt']) all.push(e.getAttribute(name) ?? '');
      return all;
    });
    const words = [...this.words].sort((a, b) => b.length - a.length);
    return [...new Set(texts.map((t) => t.trim()))].filter((text) => {
      let rest = text;
      if (!chinese.test(rest)) return false;
      for (const w of words) if (w && rest.includes(w)) rest = rest.replaceAll(w, '');
      return chinese.test(rest);
    });
  }
}

/** cut are words of the panel that a box hides the end of. */
export function cut(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    for (const e of document.querySelectorAll<HTMLElement>('#main *, aside *, header *')) {
      const text = (e.innerText ?? '').trim();
      const own = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent?.trim());
      const style = getComputedStyle(e);
      if (!own || !text || style.overflowX === 'visible' || style.overflowX === 'auto' || style.overflowX === 'scroll')
        continue;
      if (e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1 && !e.title) found.push(text.slice(0, 60));
    }
    return found;
  });
}

/** barriers are serious violations of WCAG 2 A and AA; colours are left out where asked. A
 * preview in a frame that runs no scripts is a consumer's page, not the panel's: axe would
 * wait for it for ever. */
export async function barriers(page: Page, plain: boolean): Promise<string[]> {
  await page.evaluate(() => {
    for (const frame of document.querySelectorAll('iframe[sandbox]')) frame.remove();
  });
  const axe = new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa']).options({ resultTypes: ['violations'] });
  if (plain) axe.disableRules('color-contrast');
  const { violations } = await axe.analyze();
  return violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' ')}`);
}
