import { Button, Form, Input, Tree } from 'antd';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { useWrite } from '@/api';
import { Can, Danger, FormDrawer } from '@/ui';
import { cursorParam } from '@/ui/filters';
import { type Branch, useTree, useTreeSeen } from './words';

type Node = { key: string; title: ReactNode; branch: Branch | null; depth: number; children: Node[] };

const all = 'all';
const keysOf = (list: readonly Node[]): string[] => list.flatMap((n) => [n.key, ...keysOf(n.children)]);
const keyOf = (b: Branch) => b.category_id ?? b.class;

/** Classes is the tag tree: the five classes with their categories. What is chosen stands in
 * the address, where the list beside it reads it. */
export function Classes({ brand }: { brand: string }) {
  const { t } = useTranslation('audience');
  const [search, setSearch] = useSearchParams();
  const tree = useTree(brand);
  const seen = useTreeSeen(brand);
  const [closed, setClosed] = useState<readonly string[]>([]); // a new branch is seen at once
  const titled = (b: Branch, depth: number): Node => ({
    key: keyOf(b),
    title: (
      <span className="tag-branch">
        {depth === 1 ? t(`tag.class.${b.class}`) : b.name}
        <span className="muted nums" title={t('tag.branchCount', { n: b.tags })}>
          {b.tags}
        </span>
      </span>
    ),
    branch: b,
    depth,
    children: b.branches.map((x) => titled(x, depth + 1)),
  });
  const nodes = tree.map((b) => titled(b, 1));
  const chosen = search.get('category_id') ?? search.get('class') ?? all;
  const find = (list: readonly Node[]): Node | undefined => {
    for (const n of list) {
      const found = n.key === chosen ? n : find(n.children);
      if (found) return found;
    }
    return undefined;
  };
  const at = find(nodes);
  const choose = (b: Branch | null) => {
    const next = new URLSearchParams(search);
    for (const name of [cursorParam, 'class', 'category_id']) next.delete(name);
    if (b?.category_id) next.set('category_id', b.category_id);
    else if (b) next.set('class', b.class);
    setSearch(next, { state: null });
  };
  return (
    <section className="section tag-tree" aria-label={t('tag.tree')}>
      {tree.length > 0 ? (
        <Tree<Node>
          aria-label={t('tag.tree')}
          blockNode
          expandedKeys={keysOf(nodes).filter((k) => !closed.includes(k))}
          onExpand={(open) => setClosed(keysOf(nodes).filter((k) => !open.includes(k)))}
          selectedKeys={[at ? chosen : all]}
          treeData={[{ key: all, title: t('tag.all'), branch: null, depth: 0, children: [] }, ...nodes]}
          onSelect={(_, { node }) => choose(node.branch)}
        />
      ) : null}
      {at?.branch ? (
        <Can do="tag:write">
          <div className="page-actions tag-tree-tools">
            {at.depth < 3 ? <Add brand={brand} under={at.branch} /> : null}
            {at.branch.category_id ? <Change branch={at.branch} seen={seen} gone={() => choose(null)} /> : null}
          </div>
        </Can>
      ) : null}
    </section>
  );
}

type Words = { name: string };

function NameField() {
  const { t } = useTranslation('audience');
  return (
    <Form.Item
      name="name"
      label={t('tag.categoryName')}
      rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
    >
      <Input maxLength={16} showCount />
    </Form.Item>
  );
}

function Add({ brand, under }: { brand: string; under: Branch }) {
  const { t } = useTranslation('audience');
  const [open, setOpen] = useState(false);
  const add = useWrite('post', '/tag-categories', { invalidate: ['/tags'], done: t('done.saved'), quiet: true });
  return (
    <>
      <Button size="small" onClick={() => setOpen(true)}>
        {t('tag.addCategory')}
      </Button>
      <FormDrawer<Words>
        title={t('tag.addCategory')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ name: '' }}
        onSubmit={({ name }) =>
          add.mutateAsync({
            body: {
              brand_id: brand,
              class: under.class,
              parent_id: under.category_id,
              name,
              place_no: under.branches.length,
            },
          })
        }
      >
        <NameField />
      </FormDrawer>
    </>
  );
}

function Change({ branch, seen, gone }: { branch: Branch; seen: number; gone: () => void }) {
  const { t } = useTranslation('audience');
  const [open, setOpen] = useState(false);
  const params = { path: { id: branch.category_id ?? '' } };
  const rename = useWrite('put', '/tag-categories/{id}', {
    invalidate: ['/tags'],
    done: t('done.saved'),
    quiet: true,
  });
  const drop = useWrite('delete', '/tag-categories/{id}', {
    invalidate: ['/tags'],
    done: t('done.saved'),
    quiet: true,
  });
  return (
    <>
      <Button size="small" onClick={() => setOpen(true)}>
        {t('tag.rename')}
      </Button>
      <Danger
        trigger={<Button size="small">{t('tag.dropCategory')}</Button>}
        title={t('tag.dropCategoryTitle', { name: branch.name })}
        consequence={t('tag.dropCategoryText')}
        onConfirm={async () => {
          await drop.mutateAsync({ params });
          gone();
        }}
      />
      <FormDrawer<Words>
        title={t('tag.rename')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ name: branch.name }}
        seen={seen}
        onSubmit={({ name }, seen) => rename.mutateAsync({ params, body: { name, place_no: branch.place_no }, seen })}
      >
        <NameField />
      </FormDrawer>
    </>
  );
}
