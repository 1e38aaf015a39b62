import { DownloadOutlined, KeyOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Modal } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Data, refresh, useWrite } from '@/api';
import { useCan, useMe } from '@/app/session';
import { Copy, Danger, formatCount, JobProgress, StateTag, Time } from '@/ui';
import { useWords } from './words';

export type Pack = Data<'get', '/exports/{id}'>;

const stale = ['/exports', '/batch-requests', '/batch-alarms'];
const running: Record<string, string> = { waiting: 'queued', running: 'running', failed: 'failed' };

/** PackCard is one print pack: progress while it is made, then its parts and its password,
 * which go through two hands. */
export function PackCard({ pack, logins }: { pack: Pack; logins: Record<string, string> }) {
  const { t } = useTranslation('goods');
  const can = useCan();
  const kinds = useWords('pack.kinds');
  const states = useWords('pack.states');
  const cancel = useWrite('post', '/exports/{id}/cancel', { invalidate: stale, done: t('pack.cancelled') });
  const busy = pack.state === 'waiting' || pack.state === 'running';
  return (
    <div>
      <div style={{ display: 'flex', gap: 12, flexWrap: 'wrap', alignItems: 'center', marginBottom: 8 }}>
        <strong>{kinds[pack.kind] ?? pack.kind}</strong>
        <StateTag
          state={pack.state}
          labels={states}
          tone={pack.state === 'ready' ? 'green' : pack.state === 'waiting' ? 'blue' : undefined}
        />
        <span className="muted nums">
          {formatCount(pack.from_serial)} – {formatCount(pack.until_serial - 1)}
        </span>
        <span className="muted">
          {logins[pack.created_by ?? ''] ?? ''} <Time at={pack.created_at} />
        </span>
      </div>
      {busy || pack.state === 'failed' ? (
        <JobProgress
          state={running[pack.state] ?? pack.state}
          done={pack.done}
          total={pack.total}
          speed={pack.codes_per_s}
          etaSeconds={pack.left_s || null}
          problem={pack.error}
          onCancel={
            can('export:write') && busy ? () => cancel.mutate({ params: { path: { id: pack.id } } }) : undefined
          }
        />
      ) : null}
      {pack.state === 'ready' ? <Ready pack={pack} logins={logins} /> : null}
    </div>
  );
}

function Ready({ pack, logins }: { pack: Pack; logins: Record<string, string> }) {
  const { t } = useTranslation('goods');
  const can = useCan();
  const { me } = useMe();
  const client = useQueryClient();
  const [shown, setShown] = useState('');
  const mine = pack.password_taken_by === me.operator.id;
  return (
    <>
      <p className="muted" style={{ marginBottom: 8 }}>
        {t('pack.until')} <Time at={pack.expires_at} /> · {t('pack.checked')}
      </p>
      <div style={{ display: 'flex', gap: 8, flexWrap: 'wrap', alignItems: 'center' }}>
        {pack.parts.map((p) => (
          <Part key={p.part} pack={pack} part={p} allowed={can('export:download') && !mine} />
        ))}
        {pack.password_taken_at ? (
          <span>
            <KeyOutlined /> {t('pack.taken', { who: logins[pack.password_taken_by ?? ''] ?? '' })}{' '}
            <Time at={pack.password_taken_at} />
          </span>
        ) : can('export:password') ? (
          <AskPassword id={pack.id} onShown={setShown} />
        ) : (
          <span className="muted">{t('pack.passwordOther')}</span>
        )}
      </div>
      <ShownPassword
        password={shown}
        onClose={() => {
          setShown('');
          void refresh(client, stale);
        }}
      />
      {mine ? <Alert style={{ marginTop: 8 }} type="info" title={t('pack.youHavePassword')} /> : null}
    </>
  );
}

function Part({ pack, part, allowed }: { pack: Pack; part: Pack['parts'][number]; allowed: boolean }) {
  const { t } = useTranslation('goods');
  const left = pack.max_downloads - part.downloads;
  const label = t('pack.part', { n: part.part, size: sizeText(part.bytes), left });
  const ticket = useWrite('post', '/exports/{id}/parts/{part}/ticket', {
    invalidate: [],
    onDone: (got) => {
      window.location.assign(got.url);
    },
  });
  if (!allowed || left <= 0) return <span className="muted">{label}</span>;
  return (
    <Danger
      danger={false}
      trigger={
        <Button icon={<DownloadOutlined />} loading={ticket.isPending}>
          {label}
        </Button>
      }
      title={t('pack.downloadTitle')}
      consequence={t('pack.downloadText', { left })}
      confirm={t('pack.download')}
      onConfirm={() => ticket.mutateAsync({ params: { path: { id: pack.id, part: String(part.part) } } })}
    />
  );
}

/** AskPassword asks before it shows the password, once, to somebody who does not have the
 * file. What shows it lives above: the button goes away as soon as the password is taken. */
function AskPassword({ id, onShown }: { id: string; onShown: (password: string) => void }) {
  const { t } = useTranslation('goods');
  const take = useWrite('post', '/exports/{id}/password', { quiet: true });
  return (
    <Danger
      danger={false}
      trigger={<Button icon={<KeyOutlined />}>{t('pack.password')}</Button>}
      title={t('pack.passwordTitle')}
      consequence={t('pack.passwordText')}
      confirm={t('pack.passwordConfirm')}
      onConfirm={async () => onShown((await take.mutateAsync({ params: { path: { id } } })).password)}
    />
  );
}

function ShownPassword({ password, onClose }: { password: string; onClose: () => void }) {
  const { t } = useTranslation('goods');
  return (
    <Modal
      open={password !== ''}
      title={t('pack.passwordShown')}
      closable={false}
      keyboard={false}
      mask={{ closable: false }}
      footer={
        <Button type="primary" onClick={onClose}>
          {t('pack.passwordSaved')}
        </Button>
      }
    >
      <p style={{ fontSize: 20 }}>
        <Copy text={password} />
      </p>
      <p className="muted">{t('pack.passwordOnce')}</p>
    </Modal>
  );
}

/** sizeText is a number of bytes for people. */
export function sizeText(bytes: number): string {
  return bytes < 1 << 20 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / (1 << 20)).toFixed(1)} MB`;
}
