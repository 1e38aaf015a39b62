import { Button, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useWrite } from '@/api';
import { useCan } from '@/app/session';
import { Danger, DataTable, formatCount, Member, Page, StateTag, Time } from '@/ui';
import { useOptions, useWords } from './words';

export function Component() {
  const { t } = useTranslation('goods');
  const can = useCan();
  const states = useOptions('report.states');
  const words = useWords('report.states');
  const handle = useWrite('post', '/reports/{id}/handle', {
    invalidate: ['/reports'],
    done: t('report.done'),
    quiet: true,
  });
  return (
    <Page title={t('menu.reports')} about={t('report.about')} watermark>
      <DataTable
        id="goods.reports"
        path="/reports"
        filters={[{ name: 'state', label: t('state'), kind: 'select', options: states }]}
        columns={[
          { key: 'note', title: t('report.note'), width: 320, render: (r) => r.note || '—' },
          {
            key: 'state',
            title: t('state'),
            render: (r) => <StateTag state={r.state} labels={words} tone={r.state === 'open' ? 'orange' : 'green'} />,
          },
          {
            key: 'code',
            title: t('code.code'),
            render: (r) =>
              r.batch_id && r.serial ? (
                <Link to={`/goods/codes?batch_id=${r.batch_id}&serial=${r.serial}`}>
                  {r.product} · {t('code.no', { n: formatCount(r.serial) })}
                </Link>
              ) : (
                <>
                  {t('report.foreign')} {r.token_text}
                </>
              ),
          },
          {
            key: 'member',
            title: t('report.member'),
            render: (r) => (r.member_id ? <Member id={r.member_id} /> : t('report.nobody')),
          },
          { key: 'at', title: t('report.at'), render: (r) => <Time at={r.created_at} /> },
          {
            key: 'handling',
            title: t('report.handling'),
            width: 260,
            render: (r) =>
              r.handled_at ? (
                <>
                  {r.handling}
                  <div className="muted">
                    {r.handler} <Time at={r.handled_at} />
                  </div>
                </>
              ) : (
                '—'
              ),
          },
        ]}
        actions={
          can('report:write')
            ? (r) => (
                <Danger
                  danger={false}
                  trigger={
                    <Button type="link" size="small">
                      {r.state === 'open' ? t('report.handle') : t('report.again')}
                    </Button>
                  }
                  title={t('report.handleTitle')}
                  consequence={r.note}
                  confirm={t('report.handle')}
                  onConfirm={(v) =>
                    handle.mutateAsync({ params: { path: { id: r.id } }, body: { handling: String(v.handling ?? '') } })
                  }
                >
                  <Form.Item
                    name="handling"
                    label={t('report.handling')}
                    rules={[{ required: true, whitespace: true, message: t('needed') }]}
                  >
                    <Input maxLength={200} placeholder={t('report.handlingHint')} />
                  </Form.Item>
                </Danger>
              )
            : undefined
        }
        empty={{ title: t('report.empty'), text: t('report.emptyText'), example: t('report.example') }}
      />
    </Page>
  );
}
