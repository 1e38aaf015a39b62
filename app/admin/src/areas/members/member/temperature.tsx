import { Button, Popover, Progress } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Data } from '@/api';
import { spoken } from '@/i18n/server';

type Value = Data<'get', '/members/{id}'>['temperature'];

/** Temperature is how near we are to the person behind the keys, and what it is made of. */
export function Temperature({ value }: { value: Value | null | undefined }) {
  const { t } = useTranslation('members');
  if (!value) return null;
  return (
    <div style={{ marginTop: 12, display: 'flex', gap: 12, alignItems: 'center', flexWrap: 'wrap' }}>
      <span>{t('temperature.title')}</span>
      <Progress
        percent={value.score}
        size="small"
        style={{ width: 180, margin: 0 }}
        aria-label={t('temperature.label', { score: value.score })}
        format={(n) => <span style={{ color: 'rgba(0,0,0,0.88)' }}>{n}</span>}
      />
      <Popover
        trigger={['hover', 'focus', 'click']}
        content={
          <ul style={{ margin: 0, paddingInlineStart: 16 }}>
            {(value.parts ?? []).map((p) => (
              <li key={p.text}>
                {spoken(p.text)} <strong className="nums">{p.points > 0 ? `+${p.points}` : p.points}</strong>
              </li>
            ))}
          </ul>
        }
      >
        <Button type="link" size="small" style={{ padding: 0 }}>
          {t('temperature.why')}
        </Button>
      </Popover>
    </div>
  );
}
