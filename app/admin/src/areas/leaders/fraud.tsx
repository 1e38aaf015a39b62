import { useTranslation } from 'react-i18next';
import type { Row } from '@/api';
import { useBrandID } from '@/app/brand';
import { DataTable, formatCount, Page, StateTag, Time } from '@/ui';
import { BrandRules, Person, Tabs, useOptions, useWords } from './parts';

type Case = Row<'/fraud/cases'>;

export function Component() {
  const { t } = useTranslation('leaders');
  return (
    <Page title={t('menu.fraud')} about={t('fraud.about')} watermark>
      <Tabs
        tabs={[
          { key: 'open', label: t('fraud.open'), content: () => <List key="open" state="open" /> },
          { key: 'all', label: t('fraud.all'), content: () => <List key="all" /> },
          { key: 'policy', label: t('fraud.policy'), content: () => <Policy /> },
        ]}
      />
    </Page>
  );
}

function List({ state }: { state?: 'open' }) {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const states = useWords('fraudState');
  const options = useOptions('fraudState');
  return (
    <DataTable
      id={state ? 'leaders.fraud.open' : 'leaders.fraud'}
      path="/fraud/cases"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand, ...(state ? { state } : {}) } }}
      to={(c: Case) => `/leaders/fraud/${c.id}`}
      filters={[
        ...(state ? [] : [{ name: 'state', label: t('people.state'), kind: 'select' as const, options }]),
        { name: 'kind', label: t('fraud.kind'), kind: 'select', options: useOptions('fraudKind') },
        { name: 'referrer_id', label: t('fraud.referrerID'), kind: 'id' },
      ]}
      columns={[
        { key: 'title', title: t('fraud.kind'), render: (c) => c.title },
        { key: 'referrer', title: t('fraud.referrer'), render: (c) => <Person who={c.referrer} id={c.referrer_id} /> },
        { key: 'people', title: t('fraud.people'), align: 'right', render: (c) => formatCount(c.people) },
        { key: 'text', title: t('fraud.evidence'), render: (c) => c.evidence.text },
        {
          key: 'state',
          title: t('people.state'),
          render: (c) => <StateTag state={c.state} labels={states} tone={toneOf(c.state)} />,
        },
        { key: 'opened', title: t('fraud.opened'), render: (c) => <Time at={c.opened_at} /> },
      ]}
      empty={{
        title: t(state ? 'fraud.emptyOpen' : 'fraud.empty'),
        text: t('fraud.emptyText'),
        example: t('fraud.example'),
      }}
    />
  );
}

export function toneOf(state: string): 'orange' | 'red' | 'grey' {
  return state === 'open' ? 'orange' : state === 'confirmed' ? 'red' : 'grey';
}

function Policy() {
  const { t } = useTranslation('leaders');
  const people = t('unit.people');
  const minutes = t('unit.minutes');
  return (
    <BrandRules
      path="/brands/{id}/fraud-policy"
      permission="fraud:decide"
      object="fraud_policy"
      title={t('fraud.policy')}
      about={t('fraudPolicy.about')}
      rules={[
        { name: 'device_people', label: t('fraudPolicy.device'), kind: 'number', min: 2, unit: people },
        {
          name: 'clerk_device',
          label: t('fraudPolicy.clerkDevice'),
          kind: 'number',
          min: 2,
          unit: people,
          help: t('fraudPolicy.clerkDeviceHelp'),
        },
        { name: 'address_people', label: t('fraudPolicy.address'), kind: 'number', min: 2, unit: people },
        {
          name: 'clerk_address',
          label: t('fraudPolicy.clerkAddress'),
          kind: 'number',
          min: 2,
          unit: people,
          help: t('fraudPolicy.clerkAddressHelp'),
        },
        { name: 'burst_people', label: t('fraudPolicy.burst'), kind: 'number', min: 2, unit: people },
        { name: 'burst_minutes', label: t('fraudPolicy.burstMinutes'), kind: 'number', min: 1, unit: minutes },
        {
          name: 'newcomer_minutes',
          label: t('fraudPolicy.newcomer'),
          kind: 'number',
          min: 1,
          unit: minutes,
          help: t('fraudPolicy.newcomerHelp'),
        },
      ]}
    />
  );
}
