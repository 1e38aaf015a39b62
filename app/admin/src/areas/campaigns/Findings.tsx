import { CheckCircleFilled, CloseCircleFilled, ExclamationCircleFilled } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Data } from '@/api';
import { spoken } from '@/i18n/server';
import type { StepKey } from './wizard';

export type Finding = NonNullable<Data<'get', '/campaigns/{id}/check'>>[number];

const icons = {
  block: <CloseCircleFilled style={{ color: '#cf1322' }} />,
  warn: <ExclamationCircleFilled style={{ color: '#ad6800' }} />,
  ok: <CheckCircleFilled style={{ color: '#237804' }} />,
};

/** What the check found, worst first: why, and how to mend it. */
export function Findings({ list, go }: { list: readonly Finding[]; go?: (step: StepKey) => void }) {
  const { t } = useTranslation('campaigns');
  const worst = list.filter((f) => f.level === 'block').length;
  const warn = list.filter((f) => f.level === 'warn').length;
  return (
    <div>
      <p role="status">
        <strong>
          {worst > 0 ? t('check.blocked', { n: worst }) : warn > 0 ? t('check.warned', { n: warn }) : t('check.fine')}
        </strong>
      </p>
      {list.map((f) => (
        <div key={`${f.code}-${f.field}-${f.text}`} className="campaign-finding">
          <span role="img" aria-label={t(`check.${f.level}`)}>
            {icons[f.level as keyof typeof icons]}
          </span>
          <span>{spoken(f.text)}</span>
          {go && f.step ? (
            <Button size="small" type="link" onClick={() => go(f.step as StepKey)}>
              {t('check.mend')}
            </Button>
          ) : (
            <span />
          )}
          {f.cure ? <span className="cure muted">{spoken(f.cure)}</span> : null}
        </div>
      ))}
    </div>
  );
}
