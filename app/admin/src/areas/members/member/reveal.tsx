import { App, Button, Modal } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useWrite } from '@/api';
import { Danger } from '@/ui';

/** How long a number stays in sight. */
const shownFor = 30;

/** RevealPhone shows the numbers of a member in clear: with a reason, on record, and only
 * for half a minute. Nothing of it is kept anywhere in the page. */
export function RevealPhone({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const { message } = App.useApp();
  const [phones, setPhones] = useState<readonly string[]>([]);
  const [left, setLeft] = useState(0);
  const reveal = useWrite('post', '/members/{id}/phone/reveal', { quiet: true });
  const hide = () => {
    setPhones([]);
    reveal.reset();
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs for each number that is shown
  useEffect(() => {
    if (phones.length === 0) return;
    setLeft(shownFor);
    const end = Date.now() + shownFor * 1000;
    const tick = setInterval(() => {
      const s = Math.ceil((end - Date.now()) / 1000);
      setLeft(Math.max(0, s));
      if (s <= 0) hide();
    }, 250);
    const away = () => document.hidden && hide();
    document.addEventListener('visibilitychange', away);
    return () => {
      clearInterval(tick);
      document.removeEventListener('visibilitychange', away);
    };
  }, [phones]);
  return (
    <>
      <Danger
        trigger={<Button>{t('reveal.button')}</Button>}
        title={t('reveal.title')}
        consequence={t('reveal.text')}
        confirm={t('reveal.confirm')}
        danger={false}
        reason
        onConfirm={async ({ reason }) => {
          const got = await reveal.mutateAsync({ params: { path: { id } }, body: { reason } });
          setPhones(got.phones ?? []);
        }}
      />
      <Modal
        open={phones.length > 0}
        title={t('reveal.shown')}
        onCancel={hide}
        footer={
          <Button type="primary" onClick={hide}>
            {t('reveal.hide', { left })}
          </Button>
        }
      >
        {phones.map((p) => (
          <p key={p} className="nums" style={{ fontSize: 24, margin: '8px 0' }}>
            {p}{' '}
            <Button
              size="small"
              onClick={async () => {
                await navigator.clipboard?.writeText(p);
                message.success(t('reveal.copied'));
              }}
            >
              {t('reveal.copy')}
            </Button>
          </p>
        ))}
        <p className="muted" role="timer" aria-live="off">
          {t('reveal.left', { left })}
        </p>
      </Modal>
    </>
  );
}
