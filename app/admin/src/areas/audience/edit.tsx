import { Alert, Button, Form, Input } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router';
import { useGet, useWrite } from '@/api';
import { ApiError, errorText } from '@/api/error';
import { useBrandID } from '@/app/brand';
import { mark } from '@/i18n/marks';
import { Broken, FaultAlert, Page, Section, useUnsaved, Waiting } from '@/ui';
import { emptyGroup, fromTree, type Group, incomplete, toTree } from './builder/parts';
import { RuleEditor } from './RuleEditor';

type Words = { name: string; note: string };

/** A segment is made and changed on one page: who is meant, with numbers beside it. */
export function Component() {
  const { id } = useParams();
  return id ? <Change id={id} /> : <Create />;
}

function Create() {
  const { t } = useTranslation('audience');
  const navigate = useNavigate();
  const brand = useBrandID();
  const create = useWrite('post', '/segments', {
    invalidate: ['/segments'],
    done: t('done.saved'),
    quiet: true,
    onDone: (g) => navigate(`/audience/segments/${g.id}`),
  });
  return (
    <Edit
      title={t('segments.create')}
      brand={brand}
      initial={{ name: '', note: '' }}
      root={emptyGroup()}
      save={(words, root) =>
        create.mutateAsync({ body: { brand_id: brand, ...words, tree: toTree(root), rev: 0 } as never })
      }
    />
  );
}

function Change({ id }: { id: string }) {
  const { t } = useTranslation('audience');
  const navigate = useNavigate();
  const found = useGet('/segments/{id}', { params: { path: { id } } });
  const save = useWrite('put', '/segments/{id}', {
    invalidate: ['/segments'],
    done: t('done.saved'),
    quiet: true,
    onDone: () => navigate(`/audience/segments/${id}`),
  });
  // What is being edited is what was read first: a reload in the background loses nothing.
  const first = useRef<typeof found.data>(undefined);
  first.current ??= found.data;
  const g = first.current;
  if (found.error && !g) return <Broken error={found.error} again={() => void found.refetch()} />;
  if (!g) return <Waiting />;
  return (
    <Edit
      title={t('segments.change', { name: g.name })}
      brand={g.brand_id ?? ''}
      segment={{ id, name: g.name }}
      pushes={g.pushes}
      initial={{ name: g.name, note: g.note }}
      root={fromTree(g.rule.tree as never)}
      save={(words, root) =>
        save.mutateAsync({
          params: { path: { id } },
          body: { brand_id: g.brand_id, ...words, tree: toTree(root), rev: g.rev } as never,
        })
      }
    />
  );
}

type EditProps = {
  title: string;
  brand: string;
  segment?: { id: string; name: string };
  pushes?: readonly { name: string; state: string }[];
  initial: Words;
  root: Group;
  save: (words: Words, root: Group) => Promise<unknown>;
};

/** Whom a push goes to is written down when it begins: what has not begun follows the rule. */
function Touched({ pushes }: { pushes: readonly { name: string; state: string }[] }) {
  const { t } = useTranslation('audience');
  const open = pushes.filter((p) => p.state !== 'running' && p.state !== 'paused');
  const planned = open.filter((p) => p.state === 'scheduled' || p.state === 'missed');
  if (open.length === 0) return null;
  const names = (list: readonly { name: string }[]) => list.map((p) => p.name).join(mark('、'));
  return (
    <Alert
      type="warning"
      showIcon
      style={{ marginBottom: 8 }}
      title={
        planned.length > 0
          ? t('segments.plannedPushes', { n: planned.length, names: names(planned) })
          : t('segments.draftPushes', { n: open.length, names: names(open) })
      }
      description={
        planned.length > 0 && open.length > planned.length
          ? t('segments.draftPushes', {
              n: open.length - planned.length,
              names: names(open.filter((p) => !planned.includes(p))),
            })
          : undefined
      }
    />
  );
}

function Edit({ title, brand, segment, pushes = [], initial, root: given, save }: EditProps) {
  const { t } = useTranslation('audience');
  const navigate = useNavigate();
  const [form] = Form.useForm<Words>();
  const [root, setRoot] = useState(given);
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const unsaved = useUnsaved();
  const submit = async (v: Words) => {
    setBusy(true);
    setFault(null);
    unsaved(false);
    try {
      await save({ name: v.name, note: v.note ?? '' }, root);
    } catch (error) {
      unsaved(true);
      setFault(error);
      if (!(error instanceof ApiError)) throw error;
      if (error.field === 'name' || error.field === 'note') {
        form.setFields([{ name: error.field, errors: [errorText(error)] }]);
      }
    } finally {
      setBusy(false);
    }
  };
  return (
    <Page
      title={title}
      trail={[
        { title: t('menu.segments'), to: '/audience/segments' },
        ...(segment ? [{ title: segment.name, to: `/audience/segments/${segment.id}` }] : []),
      ]}
    >
      <RuleEditor
        brand={brand}
        value={root}
        onChange={(r) => {
          unsaved(true);
          setRoot(r);
        }}
      >
        <Section title={t('editor.words')}>
          <FaultAlert fault={fault} />
          <Touched pushes={pushes} />
          <Form<Words>
            form={form}
            layout="vertical"
            initialValues={initial}
            onValuesChange={() => unsaved(true)}
            onFinish={(v) => void submit(v)}
          >
            <Form.Item
              name="name"
              label={t('segments.name')}
              rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
            >
              <Input maxLength={30} showCount placeholder={t('segments.nameExample')} />
            </Form.Item>
            <Form.Item name="note" label={t('segments.note')}>
              <Input.TextArea maxLength={200} rows={2} />
            </Form.Item>
            <div className="page-actions">
              <Button onClick={() => navigate(segment ? `/audience/segments/${segment.id}` : '/audience/segments')}>
                {t('form.cancel')}
              </Button>
              <Button type="primary" htmlType="submit" loading={busy} disabled={incomplete(root)}>
                {t('form.save')}
              </Button>
            </div>
          </Form>
        </Section>
      </RuleEditor>
    </Page>
  );
}
