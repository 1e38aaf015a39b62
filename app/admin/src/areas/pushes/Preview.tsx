import { Alert, Button, Form, Input, Segmented } from 'antd';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { errorText } from '@/api/error';
import { useCan } from '@/app/session';
import { usePeople } from '@/areas/audience/people';
import { halfWidth, PhoneFrame, Waiting } from '@/ui';
import { grouped, templated } from './draft';

/** Message draws one message as the phone shows it: a card of fields or a bubble. */
export function Message({
  channel,
  text,
  fields,
  link,
}: {
  channel: string;
  text: ReactNode;
  fields: readonly { key: string; text: ReactNode }[];
  link: ReactNode;
}) {
  const { t } = useTranslation('pushes');
  if (templated(channel)) {
    return (
      <div className="push-card">
        <strong>{t(`channel.${channel}`)}</strong>
        <dl>
          {fields.map((f) => (
            <div key={f.key}>
              <dt>{f.key}</dt>
              <dd>{f.text}</dd>
            </div>
          ))}
        </dl>
        {link ? <div className="push-card-foot">{link}</div> : null}
      </div>
    );
  }
  return <div className={`push-bubble${channel === 'sms' || grouped(channel) ? '' : ' push-chat'}`}>{text}</div>;
}

/** Preview shows the saved message as a real member of the audience would get it; names are
 * masked, links lead nowhere. */
export function Preview({ id, version }: { id: string; version: number }) {
  const { t } = useTranslation('pushes');
  const { under } = usePeople();
  const may = useCan()('member:read') && under === 0;
  const [member, setMember] = useState('');
  const [at, setAt] = useState(0);
  const found = useGet('/pushes/{id}/preview', {
    // The version makes an edited message be asked for again.
    params: {
      path: { id },
      query: { ...(member ? { member_id: member } : {}), ...({ v: String(version) } as object) },
    },
    keep: true,
  });
  if (found.error && !found.data) return <Alert type="warning" showIcon title={errorText(found.error)} />;
  if (!found.data) return <Waiting />;
  const arm = found.data[Math.min(at, found.data.length - 1)];
  if (!arm) return <p className="muted">{t('preview.none')}</p>;
  return (
    <div className="push-preview">
      {found.data.length > 1 ? (
        <Segmented
          aria-label={t('control.versions')}
          value={Math.min(at, found.data.length - 1)}
          onChange={setAt}
          options={found.data.map((a, value) => ({ value, label: t('control.version', { name: a.arm }) }))}
        />
      ) : null}
      <p className="muted">
        {arm.member_id && arm.member_id !== '0'
          ? t('preview.as', { id: arm.member_id })
          : t(under > 0 ? 'preview.somebody' : 'preview.nobody')}
      </p>
      <PhoneFrame title={t('preview.phone')}>
        <div className="push-phone">
          {arm.messages.map((m, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: messages are named by their way's place
            <div key={i}>
              <div className="push-way">{t(`channel.${m.channel}`, { defaultValue: m.title })}</div>
              <Message
                channel={m.channel}
                text={m.text}
                fields={Object.entries(m.data).map(([key, text]) => ({ key, text }))}
                link={m.url ? t('preview.opens') : null}
              />
            </div>
          ))}
        </div>
      </PhoneFrame>
      {may ? (
        <Form layout="inline" onFinish={(v: { member?: string }) => setMember(halfWidth(v.member ?? '').trim())}>
          <Form.Item
            name="member"
            label={t('someone.member')}
            rules={[{ pattern: /^\s*\d*\s*$/, message: t('someone.digits') }]}
          >
            <Input style={{ width: 190 }} allowClear />
          </Form.Item>
          <Button htmlType="submit" loading={found.isFetching}>
            {t('preview.other')}
          </Button>
        </Form>
      ) : null}
    </div>
  );
}
