import { Button, Form } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import {
  Can,
  Empty,
  FormDrawer,
  formatCount,
  formatFen,
  LinkButton,
  MoneyInput,
  NumberInput,
  Page,
  Section,
  Table,
  Time,
  useOpened,
} from '@/ui';
import { Reason } from './parts';

type Line = { id: string; what: string; limit: string; who: string; at?: string | null; action?: React.ReactNode };

/** From which amount on a second person has to agree (审批额度), all in one place. */
export function Component() {
  const { t } = useTranslation('settings');
  const id = useBrandID();
  const can = useCan();
  const at = { params: { path: { id } } };
  const points = useGet('/brands/{id}/points-rules', { ...at, enabled: id !== '' && can('points:read') });
  const withdrawals = useGet('/brands/{id}/withdrawal-policy', { ...at, enabled: id !== '' && can('withdrawal:read') });
  const campaigns = useGet('/brands/{id}/campaign-policy', { ...at, enabled: id !== '' && can('campaign:read') });
  const [editing, setEditing] = useState<'points' | 'withdrawals' | null>(null);
  const savePoints = useWrite('put', '/brands/{id}/points-rules', {
    invalidate: ['/brands'],
    quiet: true,
    done: t('saved'),
  });
  const saveWithdrawals = useWrite('put', '/brands/{id}/withdrawal-policy', {
    invalidate: ['/brands'],
    quiet: true,
    done: t('saved'),
  });
  const rules = points.data?.rules;
  const policy = withdrawals.data;
  // What is not in the form is sent as it was when the form was filled.
  const kept = useOpened(editing !== null, { rules, policy });
  const edit = (which: 'points' | 'withdrawals') => (
    <Button type="link" size="small" onClick={() => setEditing(which)}>
      {t('edit')}
    </Button>
  );
  const lines: Line[] = [];
  if (campaigns.data) {
    lines.push({
      id: 'campaigns',
      what: t('limits.campaigns'),
      limit:
        campaigns.data.approval_fen === 0
          ? t('limits.always')
          : t('limits.above', {
              n: formatFen(campaigns.data.approval_fen),
              points: formatCount(campaigns.data.approval_points),
            }),
      who: t('limits.campaignsWho'),
      at: campaigns.data.updated_at,
      action: (
        <Can do="campaign:policy">
          <LinkButton to="/campaigns/approvals" type="link" size="small">
            {t('edit')}
          </LinkButton>
        </Can>
      ),
    });
  }
  if (rules) {
    lines.push({
      id: 'points',
      what: t('limits.points'),
      limit:
        rules.approve_above === 0
          ? t('limits.always')
          : t('limits.pointsAbove', { n: formatCount(rules.approve_above) }),
      who: t('limits.pointsWho'),
      at: rules.created_at,
      action: <Can do="points:write">{edit('points')}</Can>,
    });
  }
  if (policy) {
    lines.push({
      id: 'withdrawals',
      what: t('limits.withdrawals'),
      limit:
        policy.auto_approve_below_fen === 0
          ? t('limits.always')
          : t('limits.from', { n: formatFen(policy.auto_approve_below_fen) }),
      who: t('limits.withdrawalsWho'),
      at: policy.created_at,
      action: policy.version > 0 ? <Can do="withdrawal:policy">{edit('withdrawals')}</Can> : t('limits.noPolicy'),
    });
  }
  return (
    <Page title={t('limits.title')} about={t('limits.about')}>
      <Section>
        {id ? (
          <Table
            rows={lines}
            columns={[
              { key: 'what', title: t('limits.what'), render: (l) => l.what },
              { key: 'limit', title: t('limits.limit'), render: (l) => l.limit },
              { key: 'who', title: t('limits.who'), render: (l) => l.who },
              { key: 'at', title: t('limits.since'), render: (l) => <Time at={l.at} /> },
            ]}
            actions={(l) => l.action}
          />
        ) : (
          <Empty title={t('brands.empty')} text={t('limits.about')} example={t('brands.example')} />
        )}
      </Section>
      <FormDrawer<{ approve_above: number; reason?: string }>
        title={t('limits.points')}
        open={editing === 'points' && rules !== undefined}
        onClose={() => setEditing(null)}
        initial={{ approve_above: rules?.approve_above }}
        seen={points.dataUpdatedAt}
        onSubmit={({ approve_above, reason }, seen) =>
          savePoints.mutateAsync({
            ...at,
            seen,
            body: {
              version: kept.rules?.version,
              earn: kept.rules?.earn,
              expiry: kept.rules?.expiry,
              approve_above,
              dry_run: false,
              reason,
            },
          })
        }
      >
        <Form.Item
          name="approve_above"
          label={t('limits.pointsLabel')}
          extra={t('limits.zero')}
          rules={[{ required: true, message: t('limits.needed') }]}
        >
          <NumberInput min={0} style={{ width: 200 }} />
        </Form.Item>
        <Reason required />
      </FormDrawer>
      <FormDrawer<{ auto_approve_below_fen: number }>
        title={t('limits.withdrawals')}
        open={editing === 'withdrawals' && policy !== undefined}
        onClose={() => setEditing(null)}
        initial={{ auto_approve_below_fen: policy?.auto_approve_below_fen }}
        seen={withdrawals.dataUpdatedAt}
        onSubmit={(v, seen) => saveWithdrawals.mutateAsync({ ...at, body: { ...kept.policy, ...v }, seen })}
      >
        <Form.Item
          name="auto_approve_below_fen"
          label={t('limits.withdrawalsLabel')}
          extra={t('limits.zero')}
          rules={[{ required: true, message: t('limits.needed') }]}
        >
          <MoneyInput />
        </Form.Item>
      </FormDrawer>
    </Page>
  );
}
