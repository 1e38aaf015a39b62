import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** Changes that no form is filled for, each with why nothing of somebody else is taken back.
 * The server's list of the same is in handler/admin/unseen_test.go. */
const noForms: Record<string, string> = {
  '/brands/{id}/setup': 'a switch that anybody may turn again',
  '/import-mappings': 'saved under a name that is typed in',
  '/jobs/seen': "an operator's own",
  '/me/views': "an operator's own",
  '/payouts/{id}/review': 'a mark that is put on or taken off, with a reason',
};
/** Drafts whose own revision is sent and compared. */
const revised = ['/campaigns/{id}', '/pushes/{id}', '/segments/{id}', '/tags/{id}', '/tags/{id}/definition'];
/** POSTs that save what a form was filled with. */
const posted = ['/brands/{id}/leader-agreements'];

const src = join(import.meta.dirname, '..');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((f) => /(?<!\.test)\.tsx?$/.test(f));

type Found = { at: string; path: string; seen: boolean; drawer: boolean | null };

const textOf = (n: ts.Node | undefined): string => (n && ts.isStringLiteralLike(n) ? n.text : '');
const has = (o: ts.Node | undefined, name: string): boolean =>
  o !== undefined &&
  ts.isObjectLiteralExpression(o) &&
  o.properties.some((p) => p.name !== undefined && ts.isIdentifier(p.name) && p.name.text === name);
const tagOf = (n: ts.Node): ts.JsxOpeningLikeElement | undefined =>
  ts.isJsxSelfClosingElement(n) || ts.isJsxOpeningElement(n) ? n : undefined;
const attribute = (tag: ts.JsxOpeningLikeElement, name: string): ts.JsxAttribute | undefined =>
  tag.attributes.properties.find((p): p is ts.JsxAttribute => ts.isJsxAttribute(p) && p.name.getText() === name);

/** changes finds every place that changes something that exists: calls of a write that was
 * made by useWrite('put', …), ways back by send('put', …), and acts with method="put". */
function changes(name: string, source: string): Found[] {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const writes = new Map<string, string>();
  const found: Found[] = [];
  const note = (n: ts.Node, path: string, seen: boolean) => {
    let drawer: boolean | null = null;
    for (let up = n.parent; up; up = up.parent) {
      if (!ts.isJsxAttribute(up) || up.name.getText() !== 'onSubmit') continue;
      const tag = up.parent.parent as ts.JsxOpeningLikeElement;
      const taken = up.initializer && ts.isJsxExpression(up.initializer) ? up.initializer.expression : undefined;
      const two = taken !== undefined && ts.isArrowFunction(taken) && taken.parameters.length === 2;
      if (tag.tagName.getText() === 'FormDrawer') drawer = two && attribute(tag, 'seen') !== undefined;
    }
    const { line } = file.getLineAndCharacterOfPosition(n.getStart());
    found.push({ at: `${name}:${line + 1}`, path, seen, drawer });
  };
  const wanted = (method: string, path: string) => method === 'put' || (method === 'post' && posted.includes(path));
  const walk = (n: ts.Node): void => {
    if (ts.isVariableDeclaration(n) && n.initializer && ts.isCallExpression(n.initializer)) {
      const { expression, arguments: args } = n.initializer;
      if (expression.getText() === 'useWrite' && wanted(textOf(args[0]), textOf(args[1])))
        if (ts.isIdentifier(n.name)) writes.set(n.name.text, textOf(args[1]) || '(any)');
        else note(n, textOf(args[1]), false); // taken apart: nobody can follow it
    }
    const tag = tagOf(n);
    const method = tag && attribute(tag, 'method')?.initializer;
    if (tag && method && ts.isStringLiteral(method) && method.text === 'put')
      note(tag, textOf(attribute(tag, 'path')?.initializer), attribute(tag, 'seen') !== undefined);
    if (ts.isCallExpression(n)) {
      const [first, , third] = n.arguments;
      if (n.expression.getText() === 'send' && textOf(first) === 'put')
        note(
          n,
          textOf(n.arguments[1]),
          third !== undefined && (!ts.isObjectLiteralExpression(third) || has(third, 'seen')),
        );
    }
    ts.forEachChild(n, walk);
  };
  walk(file);
  const calls = (n: ts.Node): void => {
    if (ts.isCallExpression(n) && ts.isPropertyAccessExpression(n.expression)) {
      const { expression: of, name: verb } = n.expression;
      const path = writes.get(of.getText());
      if (path !== undefined && ['mutate', 'mutateAsync'].includes(verb.text)) {
        const sent = n.arguments[0];
        note(n, path, has(sent, 'seen') || (sent !== undefined && ts.isCallExpression(sent)));
      }
    }
    ts.forEachChild(n, calls);
  };
  calls(file);
  return found;
}

describe('a form that is old takes nobody’s change back', () => {
  const all = files.flatMap((f) => changes(f, readFileSync(join(src, f), 'utf8')));
  const checked = all.filter((x) => !(x.path in noForms) && !revised.includes(x.path));
  // What is removed and offered back is not there: nothing has been read of it.
  const anew = ['areas/settings/replies.tsx'];
  // Only tries what is typed in, and saves nothing.
  const dry = ['areas/members/rules/points.tsx'];

  it('the places were found', () => expect(checked.length).toBeGreaterThan(40));
  it('each change says when what it was made of was read (seen)', () => {
    const wrong = checked.filter(
      (x) => !x.seen && !([...anew, ...dry].some((f) => x.at.startsWith(`${f}:`)) && x.drawer === null),
    );
    expect(wrong.map((x) => `${x.at} ${x.path}`)).toEqual([]);
  });
  it('each FormDrawer that changes something keeps when it was filled, and hands it on', () => {
    expect(checked.filter((x) => x.drawer === false).map((x) => `${x.at} ${x.path}`)).toEqual([]);
  });
  it('no exception has outlived its place', () => {
    const paths = new Set(all.map((x) => x.path));
    expect([...Object.keys(noForms), ...revised, ...posted].filter((p) => !paths.has(p))).toEqual([]);
  });
  it('a form without it is found out', () => {
    const of = (props: string, submit: string) =>
      changes(
        'x.tsx',
        `const save = useWrite('put', '/x/{id}', {}); const a = <FormDrawer ${props} onSubmit={${submit}} />;`,
      ).map(({ seen, drawer }) => [seen, drawer]);
    expect(of('', '(v) => save.mutateAsync({ body: v })')).toEqual([[false, false]]);
    expect(of('seen={at}', '(v) => save.mutateAsync({ body: v, seen: at })')).toEqual([[true, false]]);
    expect(of('', '(v, seen) => save.mutateAsync({ body: v, seen })')).toEqual([[true, false]]);
    expect(of('seen={at}', '(v, seen) => save.mutateAsync({ body: v, seen })')).toEqual([[true, true]]);
  });
});
