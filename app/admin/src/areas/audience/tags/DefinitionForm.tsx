import { ArrowDownOutlined, ArrowUpOutlined, DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Alert, Button, Input, Segmented, Select } from 'antd';
import { type ReactNode, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { Section } from '@/ui';
import { RuleEditor } from '../RuleEditor';
import { type Definition, limits, newCase } from './definition';

type Props = {
  brand: string;
  kind: string;
  value: Definition;
  onChange: (d: Definition) => void;
  /** Below: buttons. */
  children?: ReactNode;
};

/** DefinitionForm is where somebody says how a tag comes about. */
export function DefinitionForm({ brand, kind, value, onChange, children }: Props) {
  if (kind === 'rule') {
    return (
      <Cases brand={brand} value={value} onChange={onChange}>
        {children}
      </Cases>
    );
  }
  return (
    <>
      {kind === 'fact' ? (
        <Source brand={brand} value={value} onChange={onChange} />
      ) : (
        <ModelSource value={value} onChange={onChange} />
      )}
      {children}
    </>
  );
}

type Part = { value: Definition; onChange: (d: Definition) => void };

function Labelled({ label, hint, children }: { label: string; hint?: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="tag-field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
      {hint ? <div className="muted">{hint}</div> : null}
    </div>
  );
}

function Choices({ value, onChange }: Part) {
  const { t } = useTranslation('audience');
  return (
    <Labelled label={t('tag.choices')} hint={t('tag.choicesHint')}>
      {(id) => (
        <Select
          id={id}
          mode="tags"
          open={false}
          suffixIcon={null}
          maxCount={limits.choices}
          tokenSeparators={[',', '，', '、', ' ']}
          value={value.choices}
          onChange={(choices: string[]) =>
            onChange({ ...value, choices: choices.map((c) => c.trim()).filter(Boolean) })
          }
          style={{ width: '100%', maxWidth: 560 }}
        />
      )}
    </Labelled>
  );
}

function ModelSource(props: Part) {
  const { t } = useTranslation('audience');
  return (
    <Section title={t('tag.definition')}>
      <Alert type="info" showIcon title={t('tag.modelText')} style={{ marginBottom: 16 }} />
      <Choices {...props} />
    </Section>
  );
}

/** Source: a fact is said by hand, stands in the profile, or is in an event. */
function Source({ brand, value, onChange }: Part & { brand: string }) {
  const { t } = useTranslation('audience');
  const offered = useGet('/tags/sources', { params: { query: { brand_id: brand } }, enabled: Boolean(brand) }).data;
  const event = offered?.events.find((e) => e.type === value.event_type);
  const wide = { width: '100%', maxWidth: 420 };
  const find = { optionFilterProp: 'label' };
  const named = (list: readonly { name: string; title: string }[] | undefined) =>
    (list ?? []).map((f) => ({ value: f.name, label: f.title || f.name }));
  return (
    <Section title={t('tag.definition')}>
      <div className="tag-field">
        <Segmented
          value={value.source}
          options={['manual', 'profile', 'event'].map((s) => ({ value: s, label: t(`tag.source.${s}`) }))}
          onChange={(source) => onChange({ ...value, source: String(source), field: '' })}
        />
        <div className="muted">{t(`tag.sourceText.${value.source}`)}</div>
      </div>
      {value.source === 'manual' ? <Choices value={value} onChange={onChange} /> : null}
      {value.source === 'profile' ? (
        <Labelled label={t('tag.profileField')}>
          {(id) => (
            <Select
              id={id}
              showSearch={find}
              style={wide}
              value={value.field || undefined}
              placeholder={t('rule.pick')}
              options={named(offered?.profiles)}
              onChange={(field) => onChange({ ...value, field })}
            />
          )}
        </Labelled>
      ) : null}
      {value.source === 'event' ? (
        <>
          <Labelled label={t('tag.event')}>
            {(id) => (
              <Select
                id={id}
                showSearch={find}
                style={wide}
                value={value.event_type || undefined}
                placeholder={t('rule.pick')}
                options={(offered?.events ?? []).map((e) => ({
                  value: e.type,
                  label: t(`tag.events.${e.type}`, { defaultValue: e.type }),
                }))}
                onChange={(event_type) => onChange({ ...value, event_type, field: '' })}
              />
            )}
          </Labelled>
          <Labelled label={t('tag.eventField')} hint={t('tag.eventFieldHint')}>
            {(id) => (
              <Select
                id={id}
                showSearch={find}
                allowClear
                style={wide}
                value={value.field || undefined}
                placeholder={t('tag.eventHappened')}
                options={named(event?.fields)}
                onChange={(field) => onChange({ ...value, field: field ?? '' })}
              />
            )}
          </Labelled>
        </>
      ) : null}
    </Section>
  );
}

/** Cases: a rule says yes or no, or gives one of several values; the first that fits wins. */
function Cases({ brand, value, onChange, children }: Part & { brand: string; children?: ReactNode }) {
  const { t } = useTranslation('audience');
  const [open, setOpen] = useState(value.cases[0]?.id);
  const at = Math.max(
    0,
    value.cases.findIndex((c) => c.id === open),
  );
  const one = value.cases[at];
  const named = value.cases.length > 1 || Boolean(value.cases[0]?.value);
  const set = (cases: Definition['cases']) => onChange({ ...value, cases });
  const change = (to: object) => set(value.cases.map((c, i) => (i === at ? { ...c, ...to } : c)));
  const swap = (by: -1 | 1) => {
    const cases = [...value.cases];
    const [a, b] = [cases[at], cases[at + by]];
    if (!a || !b) return;
    cases[at] = b;
    cases[at + by] = a;
    set(cases);
  };
  const more = () => {
    const added = newCase('');
    set([...value.cases, added]);
    setOpen(added.id);
  };
  if (!one) return null;
  return (
    <>
      <Section
        title={t('tag.values')}
        extra={
          value.cases.length < limits.cases ? (
            <Button icon={<PlusOutlined />} onClick={more}>
              {t('tag.addValue')}
            </Button>
          ) : null
        }
      >
        <p className="muted">{t(named ? 'tag.valuesText' : 'tag.oneValueText')}</p>
        {named ? (
          <>
            <div className="tag-cases">
              {value.cases.map((c, i) => (
                <Button
                  key={c.id}
                  type={i === at ? 'primary' : 'default'}
                  aria-pressed={i === at}
                  onClick={() => setOpen(c.id)}
                >
                  {c.value || t('tag.valueNumber', { n: i + 1 })}
                </Button>
              ))}
            </div>
            <div className="page-actions">
              <Input
                aria-label={t('tag.valueName')}
                placeholder={t('tag.valueName')}
                value={one.value}
                maxLength={32}
                style={{ width: 200 }}
                onPressEnter={(e) => e.preventDefault()}
                onChange={(e) => change({ value: e.target.value })}
              />
              <Button
                icon={<ArrowUpOutlined />}
                aria-label={t('tag.valueUp')}
                disabled={at === 0}
                onClick={() => swap(-1)}
              />
              <Button
                icon={<ArrowDownOutlined />}
                aria-label={t('tag.valueDown')}
                disabled={at === value.cases.length - 1}
                onClick={() => swap(1)}
              />
              <Button
                icon={<DeleteOutlined />}
                aria-label={t('tag.valueRemove')}
                disabled={value.cases.length === 1}
                onClick={() => set(value.cases.filter((c) => c !== one))}
              />
            </div>
          </>
        ) : null}
      </Section>
      <RuleEditor key={one.id} brand={brand} value={one.root} onChange={(root) => change({ root })} of="tag">
        {children}
      </RuleEditor>
    </>
  );
}
