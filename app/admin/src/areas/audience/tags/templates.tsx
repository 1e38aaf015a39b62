import { Button, Form, Input, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { type Data, useGet, useList, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { spoken } from '@/i18n/server';
import { Broken, Can, FormDrawer, Page, Waiting } from '@/ui';
import { classes } from './words';
import '../audience.css';

type Template = Data<'get', '/tag-templates'>[number];
type Values = { name: string; products: string[]; others: string[] };

/** Tags that most brands want: one click, and they wait for approval. */
export function Component() {
  const { t } = useTranslation('audience');
  const brand = useBrandID();
  const [chosen, setChosen] = useState<Template | null>(null);
  const found = useGet('/tag-templates', { params: { query: { brand_id: brand } }, enabled: Boolean(brand) });
  if (found.error && !found.data) return <Broken error={found.error} again={() => void found.refetch()} />;
  return (
    <Page
      title={t('tag.templates')}
      trail={[{ title: t('menu.tags'), to: '/audience/tags' }]}
      about={t('tag.templatesText')}
    >
      {found.data ? null : <Waiting />}
      {classes.map((c) => {
        const list = (found.data ?? []).filter((x) => x.class === c);
        return list.length === 0 ? null : (
          <section key={c} className="section">
            <div className="section-head">
              <h2>{t(`tag.class.${c}`)}</h2>
            </div>
            <ul className="tag-templates">
              {list.map((x) => (
                <li key={x.key} className="card">
                  <div className="card-title">{spoken(x.name)}</div>
                  <p>{spoken(x.purpose)}</p>
                  <p className="muted">
                    {t(`tag.kind.${x.kind}`)} · {spoken(x.intended_use)}
                  </p>
                  {x.added ? (
                    <span className="muted">{t('tag.added')}</span>
                  ) : (
                    <Can do="tag:write">
                      <Button aria-label={t('tag.addNamed', { name: spoken(x.name) })} onClick={() => setChosen(x)}>
                        {t('tag.add')}
                      </Button>
                    </Can>
                  )}
                </li>
              ))}
            </ul>
          </section>
        );
      })}
      <Add brand={brand} template={chosen} onClose={() => setChosen(null)} />
    </Page>
  );
}

type AddProps = { brand: string; template: Template | null; onClose: () => void };

function Add({ brand, template, onClose }: AddProps) {
  const { t } = useTranslation('audience');
  const navigate = useNavigate();
  const [word, setWord] = useState('');
  const products = useList('/products', {
    params: { query: { brand_id: brand, q: word, limit: '100' } },
    enabled: Boolean(template?.products || template?.others),
  });
  const add = useWrite('post', '/tag-templates', {
    quiet: true,
    invalidate: ['/tags', '/tag-templates'],
    done: t('tag.done.submitted'),
    onDone: (made) => navigate(`/audience/tags/${made.id}`),
  });
  const goods = (name: keyof Values, label: string) => (
    <Form.Item
      name={name}
      label={label}
      rules={[{ required: true, type: 'array', min: 1, message: t('editor.needProduct') }]}
    >
      <Select
        mode="multiple"
        maxCount={50}
        showSearch={{ filterOption: false, onSearch: setWord }}
        options={(products.data?.data ?? []).map((p) => ({ value: p.id ?? '', label: `${p.name} ${p.spec}`.trim() }))}
      />
    </Form.Item>
  );
  return (
    <FormDrawer<Values>
      title={t('tag.addNamed', { name: spoken(template?.name) })}
      open={template !== null}
      onClose={onClose}
      initial={{ name: template?.name ?? '', products: [], others: [] }}
      submit={t('tag.submit')}
      onSubmit={(v) =>
        add.mutateAsync({
          body: {
            brand_id: brand,
            key: template?.key,
            name: v.name,
            product_ids: v.products ?? [],
            other_product_ids: v.others ?? [],
          },
        })
      }
    >
      <p>{spoken(template?.purpose)}</p>
      <p className="muted">{t('tag.addText')}</p>
      <Form.Item
        name="name"
        label={t('tag.name')}
        rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
      >
        <Input maxLength={20} showCount />
      </Form.Item>
      {template?.products ? goods('products', t('editor.bought')) : null}
      {template?.others ? goods('others', t('editor.neverBought')) : null}
    </FormDrawer>
  );
}
