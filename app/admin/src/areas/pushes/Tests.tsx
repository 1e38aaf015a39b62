import { Alert, Button, Form, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { FaultAlert, Section, Table, Time } from '@/ui';
import type { Push } from './draft';
import { DeliveryState } from './state';

/** Tests sends the saved message to the white list, and to nobody else. */
export function Tests({ p }: { p: Push }) {
  const { t } = useTranslation('pushes');
  const brand = p.brand_id ?? '';
  const [fault, setFault] = useState<unknown>(null);
  const [arm, setArm] = useState(0);
  const [members, setMembers] = useState<string[]>([]);
  const testers = useGet('/brands/{id}/push-testers', { params: { path: { id: brand } } });
  const tests = useGet('/pushes/{id}/tests', { params: { path: { id: p.id } }, refetchInterval: 3000 });
  const send = useWrite('post', '/pushes/{id}/tests', {
    invalidate: ['/pushes/{id}/tests'],
    done: t('test.begun'),
    quiet: true,
  });
  const who = new Map((testers.data ?? []).map((x) => [x.member_id ?? '', x.name]));
  const may = useCan()('push:send');
  const open = may && ['draft', 'pending', 'scheduled', 'missed'].includes(p.state);
  const rows = (tests.data ?? []).flatMap((x) =>
    x.deliveries.map((d) => ({ ...d, at: x.created_at, version: p.arms[x.arm]?.name ?? String(x.arm) })),
  );
  if (!open && rows.length === 0) return null;
  return (
    <Section title={t('test.title')}>
      <p className="muted">{t('test.about')}</p>
      {open ? (
        testers.data && testers.data.length === 0 ? (
          <Alert
            type="info"
            showIcon
            title={t('test.noTester')}
            action={<Link to="/pushes/settings?tab=testers">{t('test.addTester')}</Link>}
            style={{ marginBottom: 12 }}
          />
        ) : (
          <>
            <FaultAlert fault={fault} />
            <Form
              layout="inline"
              style={{ gap: '8px 0', marginBottom: 12 }}
              onFinish={() => {
                setFault(null);
                send.mutate(
                  { params: { path: { id: p.id } }, body: { arm, member_ids: members } },
                  { onError: setFault },
                );
              }}
            >
              <Form.Item label={t('test.to')} htmlFor="push-testers">
                <Select
                  id="push-testers"
                  mode="multiple"
                  value={members}
                  onChange={setMembers}
                  options={[...who].map(([value, label]) => ({ value, label }))}
                  style={{ minWidth: 200 }}
                />
              </Form.Item>
              {p.arms.length > 1 ? (
                <Form.Item label={t('control.versions')} htmlFor="push-test-arm">
                  <Select
                    id="push-test-arm"
                    value={arm}
                    onChange={setArm}
                    options={p.arms.map((a, value) => ({ value, label: a.name }))}
                    style={{ minWidth: 100 }}
                  />
                </Form.Item>
              ) : null}
              <Button htmlType="submit" loading={send.isPending} disabled={members.length === 0}>
                {t('test.send')}
              </Button>
            </Form>
          </>
        )
      ) : null}
      {rows.length > 0 ? (
        <Table
          label={t('test.title')}
          rows={rows}
          columns={[
            { key: 'at', title: t('someone.at'), width: 170, render: (d) => <Time at={d.at} /> },
            { key: 'who', title: t('test.who'), render: (d) => who.get(d.member_id ?? '') ?? d.member_id },
            { key: 'arm', title: t('control.versions'), render: (d) => d.version },
            { key: 'state', title: t('field.state'), render: (d) => <DeliveryState state={d.state} /> },
            { key: 'words', title: t('detail.outcome'), render: (d) => d.words },
          ]}
        />
      ) : null}
    </Section>
  );
}
