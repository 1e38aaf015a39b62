import { Alert, Button, DatePicker, Form, Input } from 'antd';
import type { Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet, useWrite } from '@/api';
import { mark } from '@/i18n/marks';
import {
  Broken,
  Can,
  Detail,
  dayText,
  FormDrawer,
  formatFen,
  Money,
  Page,
  Section,
  StatCards,
  StateTag,
  Table,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { Act, useWords } from './parts';
import { RuleDrawer } from './ruleForm';
import { usePayText } from './rules';
import { useGoods } from './sources';

export function Component() {
  const { t } = useTranslation('leaders');
  const { id = '' } = useParams();
  const states = useWords('ruleState');
  const roles = useWords('role');
  const goods = useGoods();
  const pay = usePayText();
  const [editing, setEditing] = useState(false);
  const [signing, setSigning] = useState(false);
  const { data: r, dataUpdatedAt, error, refetch } = useGet('/commission/rules/{id}', { params: { path: { id } } });
  if (error && !r) return <Broken error={error} again={() => void refetch()} />;
  if (!r) return <Waiting />;
  const x = r.terms;
  const opinion = x.level === 'two' || x.min_leader_level > 0;
  const signed = r.sign_offs.some((s) => s.version === r.version);
  const amount = (n: number) => (n ? (x.pay === 'cash' ? formatFen(n) : t('points', { n })) : t('rules.noCap'));
  return (
    <Page
      title={x.name}
      tag={<StateTag state={r.state} labels={states} />}
      trail={[{ title: t('menu.rules'), to: '/leaders/rules' }]}
      actions={
        r.state === 'ended' ? null : (
          <>
            <Can do="commission:write">
              <Button onClick={() => setEditing(true)}>{t('rules.revise')}</Button>
            </Can>
            {opinion && !signed ? (
              <Can do="commission:legal">
                <Button onClick={() => setSigning(true)}>{t('rules.sign')}</Button>
              </Can>
            ) : null}
            {r.active_version !== r.version ? (
              <Can do="commission:publish">
                <Act
                  method="post"
                  path="/commission/rules/{id}/activate"
                  id={r.id}
                  danger={false}
                  reason
                  invalidate={['/commission']}
                  done={t('rules.activated')}
                  body={(v) => ({ version: r.version, reason: v.reason })}
                  trigger={<Button type="primary">{t('rules.activate', { n: r.version })}</Button>}
                  title={t('rules.activateTitle', { n: r.version })}
                  consequence={`${pay(x)}${mark('。')}${t('rules.activateText')}`}
                />
              </Can>
            ) : null}
            {r.state === 'active' ? (
              <Can do="commission:publish">
                <Act
                  method="post"
                  path="/commission/rules/{id}/end"
                  id={r.id}
                  reason
                  name={x.name}
                  invalidate={['/commission']}
                  done={t('rules.ended')}
                  trigger={<Button danger>{t('rules.end')}</Button>}
                  title={t('rules.endTitle', { name: x.name })}
                  consequence={t('rules.endText')}
                />
              </Can>
            ) : null}
          </>
        )
      }
    >
      {opinion && !signed && r.state !== 'ended' ? (
        <Alert
          type="warning"
          showIcon
          style={{ marginBottom: 16 }}
          title={t('rules.signNeeded')}
          description={t('rules.signNeededText')}
        />
      ) : null}
      <StatCards
        items={[
          { key: 'pay', title: t('rules.pays'), value: pay(x) },
          ...(x.pay === 'cash'
            ? [
                {
                  key: 'used',
                  title: t('rules.used'),
                  value: <Money fen={r.used} />,
                  note: (
                    <>
                      {t('rules.budget')} <Money fen={x.budget_fen} />
                    </>
                  ),
                },
                { key: 'left', title: t('rules.left'), value: <Money fen={Math.max(0, x.budget_fen - r.used)} /> },
              ]
            : [{ key: 'used', title: t('rules.used'), value: t('points', { n: r.used }) }]),
        ]}
      />
      <Section title={t('rules.terms', { n: r.version })}>
        <Detail
          items={[
            { label: t('rules.trigger'), value: t(`trigger.${x.trigger}`) },
            { label: t('rules.level'), value: t(`level.${x.level}`) },
            { label: t('commission.pay'), value: t(`pay.${x.pay}`) },
            { label: t('rules.ceiling'), value: amount(x.ceiling) },
            { label: t('rules.capDay'), value: amount(x.cap_per_day) },
            { label: t('rules.capCycle'), value: amount(x.cap_per_cycle) },
            { label: t('rules.freezeDays'), value: t('rules.days', { n: x.freeze_days }) },
            { label: t('rules.roles'), value: x.roles.map((v) => roles[v] ?? v).join(mark('、')) },
            { label: t('rules.minLevel'), value: x.min_leader_level || t('rules.anyLevel') },
            {
              label: t('rules.goods'),
              value: x.product_ids.length
                ? x.product_ids.map((v) => goods.find((g) => g.value === v)?.label ?? v).join(mark('、'))
                : t('rules.allGoods'),
            },
            { label: t('rules.from'), value: <Time at={x.valid_from} /> },
            { label: t('rules.until'), value: <Time at={x.valid_until} /> },
          ]}
        />
      </Section>
      <Section title={t('rules.versions')}>
        <Table
          rows={r.versions}
          rowKey={(v) => String(v.version)}
          columns={[
            { key: 'v', title: t('rules.version'), render: (v) => `v${v.version}` },
            { key: 'pay', title: t('rules.pays'), render: (v) => pay(v.terms) },
            { key: 'made', title: t('rules.created'), render: (v) => <Time at={v.created_at} /> },
            { key: 'from', title: t('rules.inForce'), render: (v) => <Time at={v.active_from} /> },
            { key: 'until', title: t('rules.inForceUntil'), render: (v) => <Time at={v.active_until} /> },
          ]}
        />
      </Section>
      {opinion || r.sign_offs.length > 0 ? (
        <Section title={t('rules.signOffs')}>
          <Table
            rows={r.sign_offs}
            columns={[
              { key: 'title', title: t('sign.title'), render: (s) => s.title },
              { key: 'v', title: t('rules.version'), render: (s) => `v${s.version}` },
              { key: 'signer', title: t('sign.signer'), render: (s) => s.signer },
              { key: 'no', title: t('sign.number'), render: (s) => s.number },
              { key: 'on', title: t('sign.on'), render: (s) => dayText(s.signed_on) },
            ]}
            empty={t('sign.none')}
          />
        </Section>
      ) : null}
      <Trail object="commission_rule" id={r.id} />
      <RuleDrawer rule={r} seen={dataUpdatedAt} open={editing} onClose={() => setEditing(false)} />
      <Opinion id={r.id} version={r.version} open={signing} onClose={() => setSigning(false)} />
    </Page>
  );
}

/** Opinion records what a lawyer wrote; it is never changed. */
function Opinion({ id, version, open, onClose }: { id: string; version: number; open: boolean; onClose: () => void }) {
  const { t } = useTranslation('leaders');
  const record = useWrite('post', '/commission/rules/{id}/signoffs', {
    invalidate: ['/commission/rules'],
    done: t('sign.done'),
    quiet: true,
  });
  const needed = [{ required: true, message: t('form.needed') }];
  return (
    <FormDrawer<{ signer: string; title: string; number: string; on: Dayjs; reason: string }>
      title={t('rules.sign')}
      open={open}
      onClose={onClose}
      onSubmit={({ on, ...v }) =>
        record.mutateAsync({
          params: { path: { id } },
          body: { ...v, version, signed_on: Number(on.format('YYYYMMDD')) },
        })
      }
    >
      <p className="muted">{t('sign.about', { n: version })}</p>
      <Form.Item name="signer" label={t('sign.signer')} rules={needed}>
        <Input maxLength={40} />
      </Form.Item>
      <Form.Item name="title" label={t('sign.title')} rules={needed}>
        <Input maxLength={100} />
      </Form.Item>
      <Form.Item name="number" label={t('sign.number')} rules={needed}>
        <Input maxLength={60} />
      </Form.Item>
      <Form.Item name="on" label={t('sign.on')} rules={needed}>
        <DatePicker style={{ width: '100%' }} />
      </Form.Item>
      <Form.Item name="reason" label={t('form.reason')}>
        <Input maxLength={200} />
      </Form.Item>
    </FormDrawer>
  );
}
