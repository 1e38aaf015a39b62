import { Alert, Button, Drawer, Form, Input, Segmented, Select } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { call, type Data, useGet } from '@/api';
import { errorText } from '@/api/error';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import { Broken, FaultAlert, NumberInput, Section, unread, Waiting } from '@/ui';
import { fromTree, type Group, incomplete, toTree } from './builder/parts';
import { RuleBuilder } from './builder/RuleBuilder';
import { SourceProvider, useSource } from './builder/source';
import type { Tree } from './builder/types';
import { Funnel } from './Funnel';
import { usePeople } from './people';
import { usePlan } from './useReach';
import { useRuleSource } from './useSource';

/** useSettled follows a value once it stood still for so many ms: nobody is asked with
 * every key. */
function useSettled<T>(value: T, ms = 400): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

type Props = {
  brand: string;
  value: Group;
  onChange: (root: Group) => void;
  /** Below the builder: a form, buttons. */
  children?: ReactNode;
  /** A tag's rule names no segments and no lists: those are made of tags. */
  of?: 'segment' | 'tag';
};

/** RuleEditor is the builder with what it means: a sentence, numbers and some people. */
export function RuleEditor({ brand, value, onChange, children, of = 'segment' }: Props) {
  const { source, error } = useRuleSource(brand, of);
  if (error && !source) return <Broken error={error} />;
  if (!source) return <Waiting />;
  return (
    <SourceProvider source={source}>
      <Editor brand={brand} value={value} onChange={onChange} of={of}>
        {children}
      </Editor>
    </SourceProvider>
  );
}

function Editor({ brand, value, onChange, children, of }: Props) {
  const { t } = useTranslation('audience');
  const whole = !incomplete(value);
  const written = JSON.stringify(toTree(value));
  const tree = useSettled(written);
  const may = useCan()('member:read');
  const { under } = usePeople();
  const query = { brand_id: brand, tree };
  const plan = usePlan(brand, of === 'segment');
  const enabled = Boolean(brand) && whole && tree === written;
  const size = useGet('/segments/size', { params: { query: { ...query, ...plan } }, enabled, keep: true });
  const sample = useGet('/segments/sample', { params: { query }, enabled, keep: true });
  const stale = !enabled || size.isFetching;
  return (
    <div className="audience-two">
      <div>
        <Section title={t('editor.rule')} extra={<Tools brand={brand} value={value} onChange={onChange} />}>
          {size.data && whole ? <p className="audience-sentence">{size.data.sentence}</p> : null}
          <RuleBuilder value={value} onChange={onChange} />
        </Section>
        {children}
      </div>
      <div className="audience-side" aria-live="polite">
        <Section title={t('editor.now')}>
          {whole ? null : <Alert type="info" showIcon title={t('editor.incomplete')} style={{ marginBottom: 8 }} />}
          {whole && size.error ? (
            <Alert type="warning" showIcon title={errorText(size.error)} style={{ marginBottom: 8 }} />
          ) : null}
          {size.data ? <Funnel data={size.data} stale={stale} /> : whole && !size.error ? <Waiting /> : null}
        </Section>
        <Section title={sample.data?.length ? t('editor.sample', { n: sample.data.length }) : t('editor.people')}>
          {sample.data && sample.data.length > 0 ? (
            <ul className="audience-people">
              {sample.data.map((m, i) => (
                <li key={m.member_id ?? i}>
                  {may && m.member_id ? <Link to={`/members/${m.member_id}`}>{spoken(m.label)}</Link> : spoken(m.label)}
                </li>
              ))}
            </ul>
          ) : (
            <p className="muted">{t(sample.data ? (under > 0 ? 'editor.few' : 'editor.nobody') : 'editor.noSample')}</p>
          )}
        </Section>
      </div>
    </div>
  );
}

type ToolsProps = { brand: string; value: Group; onChange: (root: Group) => void };

function Tools({ brand, value, onChange }: ToolsProps) {
  const { t } = useTranslation('audience');
  const [open, setOpen] = useState<'json' | 'template' | null>(null);
  return (
    <span className="page-actions">
      <Button size="small" onClick={() => setOpen('template')}>
        {t('editor.templates')}
      </Button>
      <Button size="small" onClick={() => setOpen('json')}>
        JSON
      </Button>
      <JsonDrawer open={open === 'json'} value={value} onChange={onChange} onClose={() => setOpen(null)} />
      <TemplateDrawer open={open === 'template'} brand={brand} onChange={onChange} onClose={() => setOpen(null)} />
    </span>
  );
}

type DrawerProps = { open: boolean; onChange: (root: Group) => void; onClose: () => void };

/** The rule as it is kept, for engineers: to read, and to paste one. */
function JsonDrawer({ open, value, onChange, onClose }: DrawerProps & { value: Group }) {
  const { t } = useTranslation('audience');
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState('');
  useEffect(() => {
    if (open) {
      setText(JSON.stringify(toTree(value), null, 2));
      setWrong('');
    }
  }, [open, value]);
  const take = () => {
    try {
      const tree = JSON.parse(text) as Tree;
      if (tree.v !== 1 || typeof tree.root !== 'object' || tree.root === null) throw new Error('tree');
      onChange(fromTree(tree));
      onClose();
    } catch {
      setWrong(t('editor.jsonWrong'));
    }
  };
  return (
    <Drawer
      open={open}
      onClose={onClose}
      title={t('editor.json')}
      size="large"
      footer={
        <Button type="primary" onClick={take}>
          {t('editor.jsonTake')}
        </Button>
      }
    >
      <p className="muted">{t('editor.jsonAbout')}</p>
      {wrong ? <Alert type="error" showIcon title={wrong} style={{ marginBottom: 8 }} /> : null}
      <Input.TextArea
        aria-label={t('editor.json')}
        value={text}
        rows={24}
        style={{ fontFamily: 'monospace' }}
        onChange={(e) => setText(e.target.value)}
      />
    </Drawer>
  );
}

type Template = { kind: 'never_b' | 'only_one'; a: string[]; b: string[]; days: number | null };

/** Templates that are asked for often; they make an ordinary rule, to be changed like any. */
function TemplateDrawer({ open, brand, onChange, onClose }: DrawerProps & { brand: string }) {
  const { t } = useTranslation('audience');
  const { products, findProducts } = useSource();
  const [form] = Form.useForm<Template>();
  const kind = Form.useWatch('kind', form) ?? 'never_b';
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const make = async (v: Template) => {
    setBusy(true);
    setFault(null);
    try {
      const made = (await call('GET', '/segments/template', {
        params: {
          query: {
            brand_id: brand,
            kind: v.kind,
            product_ids: v.a.join(','),
            ...(v.kind === 'never_b' ? { other_product_ids: v.b.join(',') } : {}),
            days: String(v.days ?? 0),
          },
        },
      })) as { data: Data<'get', '/segments/template'> };
      onChange(fromTree(made.data.tree));
      onClose();
    } catch (error) {
      setFault(error);
    } finally {
      setBusy(false);
    }
  };
  const select = (
    <Select
      mode="multiple"
      maxCount={kind === 'only_one' ? 1 : 50}
      showSearch={{ filterOption: false, onSearch: findProducts }}
      options={[...products]}
    />
  );
  return (
    <Drawer
      open={open}
      onClose={onClose}
      title={t('editor.templates')}
      destroyOnHidden
      footer={
        <Button type="primary" loading={busy} onClick={() => form.submit()}>
          {t('editor.use')}
        </Button>
      }
    >
      <FaultAlert fault={fault} />
      <Form<Template>
        form={form}
        layout="vertical"
        initialValues={{ kind: 'never_b', a: [], b: [], days: 90 }}
        onFinish={(v) => unread(document) || void make(v)}
      >
        <Form.Item name="kind">
          <Segmented
            block
            options={[
              { value: 'never_b', label: t('editor.neverB') },
              { value: 'only_one', label: t('editor.onlyOne') },
            ]}
          />
        </Form.Item>
        <Form.Item
          name="a"
          label={t(kind === 'never_b' ? 'editor.bought' : 'editor.onlyBought')}
          rules={[{ required: true, type: 'array', min: 1, message: t('editor.needProduct') }]}
        >
          {select}
        </Form.Item>
        {kind === 'never_b' ? (
          <Form.Item
            name="b"
            label={t('editor.neverBought')}
            rules={[{ required: true, type: 'array', min: 1, message: t('editor.needProduct') }]}
          >
            <Select
              mode="multiple"
              maxCount={50}
              showSearch={{ filterOption: false, onSearch: findProducts }}
              options={[...products]}
            />
          </Form.Item>
        ) : (
          <p className="muted">{t('editor.others')}</p>
        )}
        <Form.Item name="days" label={t('editor.days')} extra={t('editor.daysHint')}>
          <NumberInput min={0} max={3650} />
        </Form.Item>
      </Form>
    </Drawer>
  );
}
