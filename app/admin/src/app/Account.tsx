import { Button, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { mark } from '@/i18n/marks';
import { Copy, Detail, Page, Section, Table, Time } from '@/ui';
import { SecondFactor } from './SecondFactor';
import { useMe } from './session';

/** What somebody sees and changes of his own account. */
export function Component() {
  const { t } = useTranslation('app');
  const { me } = useMe();
  return (
    <Page title={t('account.title')}>
      <Section>
        <Detail
          items={[
            { label: t('account.login'), value: <Copy text={me.operator.login} /> },
            { label: t('account.name'), value: me.operator.name },
            {
              label: t('account.roles'),
              value: (me.operator.roles ?? []).map((r) => t(`roles.${r}`)).join(mark('、')),
            },
          ]}
        />
      </Section>
      <SecondFactor />
      <Password />
      <Sessions />
    </Page>
  );
}

type Change = { old_password: string; password: string; repeat: string };

function Password() {
  const { t } = useTranslation('app');
  const [form] = Form.useForm<Change>();
  const change = useWrite('post', '/me/password', {
    done: t('account.password.done'),
    invalidate: ['/me/sessions'],
    onDone: () => form.resetFields(),
  });
  const needed = [{ required: true, message: t('account.password.needed') }];
  return (
    <Section title={t('account.password.title')}>
      <Form
        form={form}
        name="change-password"
        layout="vertical"
        style={{ maxWidth: 360 }}
        requiredMark={false}
        onFinish={({ old_password, password }) => change.mutate({ body: { old_password, password } as never })}
      >
        <Form.Item name="old_password" label={t('account.password.old')} rules={needed}>
          <Input.Password autoComplete="current-password" />
        </Form.Item>
        <Form.Item name="password" label={t('account.password.new')} extra={t('account.password.rule')} rules={needed}>
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        <Form.Item
          name="repeat"
          label={t('account.password.repeat')}
          dependencies={['password']}
          rules={[
            ...needed,
            ({ getFieldValue }) => ({
              validator: (_, v) =>
                !v || v === getFieldValue('password')
                  ? Promise.resolve()
                  : Promise.reject(t('account.password.differs')),
            }),
          ]}
        >
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        <Button htmlType="submit" loading={change.isPending}>
          {t('account.password.save')}
        </Button>
      </Form>
    </Section>
  );
}

type Line = { id: string; ip: string; created_at: string; seen_at: string; current: boolean };

function Sessions() {
  const { t } = useTranslation('app');
  const { data } = useGet('/me/sessions');
  const end = useWrite('delete', '/me/sessions/{session}', {
    invalidate: ['/me/sessions'],
    done: t('account.sessions.ended'),
  });
  return (
    <Section title={t('account.sessions.title')}>
      <Table<Line>
        rows={(data ?? []) as Line[]}
        columns={[
          { key: 'ip', title: t('account.sessions.ip'), render: (l) => l.ip },
          { key: 'since', title: t('account.sessions.since'), render: (l) => <Time at={l.created_at} /> },
          { key: 'seen', title: t('account.sessions.seen'), render: (l) => <Time at={l.seen_at} /> },
        ]}
        actions={(l) =>
          l.current ? (
            <span className="muted">{t('account.sessions.this')}</span>
          ) : (
            <Button size="small" onClick={() => end.mutate({ params: { path: { session: l.id } as never } })}>
              {t('account.sessions.end')}
            </Button>
          )
        }
        empty={t('account.sessions.none')}
      />
    </Section>
  );
}
