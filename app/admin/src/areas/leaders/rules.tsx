import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Row } from '@/api';
import { useBrandID } from '@/app/brand';
import { Can, DataTable, formatFen, Page, StateTag, Time } from '@/ui';
import { percent, useWords } from './parts';
import { RuleDrawer } from './ruleForm';

type Rule = Row<'/commission/rules'>;
type Terms = Rule['terms'];

/** payText says in words what a rule pays. */
export function usePayText(): (terms: Terms) => string {
  const { t } = useTranslation('leaders');
  return (x) => {
    const amount = (n: number) => (x.pay === 'cash' ? formatFen(n) : t('points', { n }));
    return x.each ? t('rules.payEach', { n: amount(x.each) }) : t('rules.payShare', { n: percent(x.share_bp) });
  };
}

export function Component() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const states = useWords('ruleState');
  const pay = usePayText();
  const [open, setOpen] = useState(false);
  const create = (
    <Can do="commission:write">
      <Button type="primary" onClick={() => setOpen(true)}>
        {t('rules.create')}
      </Button>
    </Can>
  );
  return (
    <Page title={t('menu.rules')} about={t('rules.about')} actions={create}>
      <DataTable
        id="leaders.rules"
        path="/commission/rules"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        to={(r: Rule) => `/leaders/rules/${r.id}`}
        columns={[
          { key: 'name', title: t('rules.name'), render: (r) => r.terms.name },
          { key: 'state', title: t('people.state'), render: (r) => <StateTag state={r.state} labels={states} /> },
          {
            key: 'trigger',
            title: t('commission.trigger'),
            render: (r) => `${t(`trigger.${r.terms.trigger}`)} · ${t(`level.${r.terms.level}`)}`,
          },
          { key: 'pay', title: t('rules.pays'), render: (r) => pay(r.terms) },
          {
            key: 'freeze',
            title: t('rules.freeze'),
            align: 'right',
            render: (r) => t('rules.days', { n: r.terms.freeze_days }),
          },
          {
            key: 'used',
            title: t('rules.used'),
            align: 'right',
            render: (r) =>
              r.terms.pay === 'cash'
                ? `${formatFen(r.used)} / ${formatFen(r.terms.budget_fen)}`
                : t('points', { n: r.used }),
          },
          {
            key: 'version',
            title: t('rules.version'),
            render: (r) =>
              r.active_version && r.active_version !== r.version
                ? t('rules.newer', { active: r.active_version, newest: r.version })
                : `v${r.version}`,
          },
          { key: 'created', title: t('rules.created'), render: (r) => <Time at={r.created_at} /> },
        ]}
        empty={{ title: t('rules.empty'), text: t('rules.emptyText'), action: create, example: t('rules.example') }}
      />
      <RuleDrawer open={open} onClose={() => setOpen(false)} />
    </Page>
  );
}
