import { Alert, Button, Form, Input, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { errorText } from '@/api/error';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { usePeople } from '@/areas/audience/people';
import {
  Broken,
  Can,
  Detail,
  FormDrawer,
  formatFen,
  MoneyInput,
  NumberInput,
  Page,
  Section,
  Table,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { Report } from './Report';
import './pushes.css';

type Values = {
  universal: number;
  held: number;
  window_days: number;
  cap_fen: number;
  reshuffle: boolean;
  reason: string;
};

/** Who is left alone on purpose, and what all messages brought together. */
export function Component() {
  const { t } = useTranslation('pushes');
  const brand = useBrandID();
  const enabled = Boolean(brand);
  const can = useCan();
  const shown = usePeople();
  const [open, setOpen] = useState(false);
  const found = useGet('/holdout', { params: { query: { brand_id: brand } }, enabled });
  // Without a universal group there is nothing to compare all messages with.
  const whole = useGet('/holdout/report', {
    params: { query: { brand_id: brand } },
    enabled: enabled && (found.data?.settings.universal_bp ?? 0) > 0,
  });
  const reach = useGet('/reach', {
    params: { query: { brand_id: brand, purpose: 'marketing' } },
    enabled: enabled && can('reach:read'),
  });
  const save = useWrite('put', '/holdout', { invalidate: ['/holdout'], done: t('done.saved'), quiet: true });
  if (found.error && !found.data) return <Broken error={found.error} again={() => void found.refetch()} />;
  if (!found.data) return <Waiting />;
  const { settings: s, history } = found.data;
  const people = reach.data?.people ?? 0;
  return (
    <Page
      title={t('menu.holdout')}
      about={t('holdout.about')}
      actions={
        <Can do="push:approve">
          <Button type="primary" onClick={() => setOpen(true)}>
            {t('holdout.change')}
          </Button>
        </Can>
      }
    >
      <Section title={t('holdout.now')}>
        <Detail
          columns={2}
          items={[
            {
              label: t('holdout.universal'),
              value:
                people && s.universal_bp > 0
                  ? t('holdout.share', {
                      percent: s.universal_bp / 100,
                      n: shown.about(Math.round((people * s.universal_bp) / 10_000)),
                    })
                  : `${s.universal_bp / 100}%`,
            },
            { label: t('holdout.held'), value: `${s.held_bp / 100}%` },
            { label: t('holdout.window'), value: t('holdout.days', { n: s.window_days }) },
            { label: t('holdout.cap'), value: s.cap_fen > 0 ? formatFen(s.cap_fen) : t('holdout.noCap') },
          ]}
        />
        <p className="muted">{t('holdout.why')}</p>
        {s.universal_bp === 0 && s.held_bp > 0 ? <p className="muted">{t('holdout.noUniversal')}</p> : null}
        {s.universal_bp === 0 && s.held_bp === 0 ? <Alert type="warning" showIcon title={t('holdout.none')} /> : null}
      </Section>
      {whole.data && s.universal_bp > 0 ? <Report data={whole.data} /> : null}
      {whole.error && s.universal_bp > 0 ? (
        <Alert type="info" showIcon title={errorText(whole.error)} style={{ marginBottom: 16 }} />
      ) : null}
      {history.length > 0 ? (
        <Section title={t('holdout.history')}>
          <Table
            rows={history}
            rowKey={(h) => String(h.version)}
            columns={[
              { key: 'at', title: t('holdout.at'), render: (h) => <Time at={h.created_at} /> },
              {
                key: 'universal',
                title: t('holdout.universal'),
                align: 'right',
                render: (h) => `${h.universal_bp / 100}%`,
              },
              { key: 'held', title: t('holdout.held'), align: 'right', render: (h) => `${h.held_bp / 100}%` },
              {
                key: 'window',
                title: t('holdout.window'),
                align: 'right',
                render: (h) => t('holdout.days', { n: h.window_days }),
              },
              { key: 'reason', title: t('holdout.reason'), render: (h) => h.reason },
            ]}
          />
        </Section>
      ) : null}
      <Trail object="holdout" id={brand} />
      <FormDrawer<Values>
        title={t('holdout.change')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{
          universal: s.universal_bp / 100,
          held: s.held_bp / 100,
          window_days: s.window_days,
          cap_fen: s.cap_fen,
          reshuffle: false,
          reason: '',
        }}
        seen={found.dataUpdatedAt}
        onSubmit={(v, seen) =>
          save.mutateAsync({
            seen,
            body: {
              brand_id: brand,
              version: s.version,
              universal_bp: Math.round(v.universal * 100),
              held_bp: Math.round(v.held * 100),
              window_days: v.window_days,
              cap_fen: v.cap_fen,
              reshuffle: v.reshuffle,
              reason: v.reason,
            },
          })
        }
      >
        <Form.Item name="universal" label={t('holdout.universal')} extra={t('holdout.universalHint')}>
          <NumberInput min={0} max={50} precision={2} suffix="%" />
        </Form.Item>
        <Form.Item name="held" label={t('holdout.held')} extra={t('holdout.heldHint')}>
          <NumberInput min={0} max={50} precision={2} suffix="%" />
        </Form.Item>
        <Form.Item name="window_days" label={t('holdout.window')} extra={t('holdout.windowHint')}>
          <NumberInput min={1} max={90} />
        </Form.Item>
        <Form.Item name="cap_fen" label={t('holdout.cap')} extra={t('holdout.capHint')}>
          <MoneyInput />
        </Form.Item>
        <Form.Item
          name="reshuffle"
          label={t('holdout.reshuffle')}
          extra={t('holdout.reshuffleHint')}
          valuePropName="checked"
        >
          <Switch />
        </Form.Item>
        <Form.Item
          name="reason"
          label={t('holdout.reason')}
          rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
        >
          <Input maxLength={200} />
        </Form.Item>
      </FormDrawer>
    </Page>
  );
}
