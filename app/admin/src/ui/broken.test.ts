import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** Places that may tell of a fault although something was read, each with why nothing that is
 * typed in is lost by it. */
const allowed: Record<string, string> = {
  'areas/campaigns/Clash.tsx': 'what a colleague saved must have been read just now, and nothing is typed in there',
};

const src = join(import.meta.dirname, '..');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((f) =>
  /^(?:(?:areas|ui)\/.*(?<!\.test)|app\/session)\.tsx$/.test(f),
);

const isName = (n: ts.Node): boolean => ts.isIdentifier(n) || ts.isPropertyAccessExpression(n);

/** nothingRead says whether a condition holds only where something was not read: !data. */
function nothingRead(n: ts.Expression): boolean {
  if (ts.isParenthesizedExpression(n)) return nothingRead(n.expression);
  if (ts.isPrefixUnaryExpression(n)) return n.operator === ts.SyntaxKind.ExclamationToken && isName(n.operand);
  if (!ts.isBinaryExpression(n)) return false;
  const { operatorToken: by, left: a, right: b } = n;
  if (by.kind === ts.SyntaxKind.AmpersandAmpersandToken) return nothingRead(a) || nothingRead(b);
  return by.kind === ts.SyntaxKind.BarBarToken && nothingRead(a) && nothingRead(b);
}

/** conditionsOf are those under which a part of a component is drawn. */
function conditionsOf(n: ts.Node): ts.Expression[] {
  const out: ts.Expression[] = [];
  for (let at = n; at.parent && !ts.isFunctionLike(at); at = at.parent) {
    const up = at.parent;
    if (ts.isIfStatement(up) && up.thenStatement === at) out.push(up.expression);
    if (ts.isConditionalExpression(up) && up.whenTrue === at) out.push(up.condition);
    if (ts.isBinaryExpression(up) && up.right === at) out.push(up.left);
  }
  return out;
}

const drawn = (n: ts.Node): boolean =>
  ts.isJsxElement(n) || ts.isJsxSelfClosingElement(n) || (ts.forEachChild(n, drawn) ?? false);

/** bare finds where a fault stands in place of what was read before it: every Broken, and
 * whatever else is returned for an error. */
function bare(name: string, source: string): { at: string; wrong: boolean }[] {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: { at: string; wrong: boolean }[] = [];
  const walk = (n: ts.Node): void => {
    const broken = (ts.isJsxSelfClosingElement(n) || ts.isJsxOpeningElement(n)) && n.tagName.getText() === 'Broken';
    const returned =
      ts.isIfStatement(n) && /(^|\.)(error|failed)$/.test(n.expression.getText()) && drawn(n.thenStatement);
    if (broken || returned) {
      const { line } = file.getLineAndCharacterOfPosition(n.getStart());
      found.push({ at: `${name}:${line + 1}`, wrong: returned || !conditionsOf(n).some(nothingRead) });
    }
    ts.forEachChild(n, walk);
  };
  walk(file);
  return found;
}

describe('a read that fails in the background takes no open form away', () => {
  const all = files.flatMap((f) => bare(f, readFileSync(join(src, f), 'utf8')));
  const excused = (at: string) => Object.keys(allowed).find((f) => at.startsWith(`${f}:`));

  it('the places were found', () => expect(all.length).toBeGreaterThan(50));
  it('a fault stands only where nothing was read', () => {
    expect(all.filter((x) => x.wrong && !excused(x.at)).map((x) => x.at)).toEqual([]);
  });
  it('no exception has outlived its place', () => {
    const used = all.filter((x) => x.wrong).map((x) => excused(x.at));
    expect(Object.keys(allowed).filter((f) => !used.includes(f))).toEqual([]);
  });
  it('what would throw the form away is found out', () => {
    const of = (body: string) => bare('x.tsx', `function X() { ${body} return <Form />; }`).some((x) => x.wrong);
    expect(of('if (error) return <Broken error={error} />;')).toBe(true);
    expect(of('if (error) { return <Page><Broken error={error} /></Page>; }')).toBe(true);
    expect(of('if (found.error) return <Alert />;')).toBe(true);
    expect(of('if (error && !(error.status === 404)) return <Broken error={error} />;')).toBe(true);
    expect(of('if (error && (!data || late)) return <Broken error={error} />;')).toBe(true);
    expect(of('const a = error ? <Broken error={error} /> : null;')).toBe(true);
    expect(of('if (error && !data) return <Broken error={error} />;')).toBe(false);
    expect(of('if (!a.data || !b.data) return a.error ? <Broken error={a.error} /> : <Waiting />;')).toBe(false);
    expect(of('const a = error && !data ? <Broken error={error} /> : null;')).toBe(false);
  });
});
