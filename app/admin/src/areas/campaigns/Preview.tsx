import { Segmented } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { addressOf } from '@/api';
import { PhoneFrame } from '@/ui';

const pages = ['scan', 'won', 'rules'] as const;

/** The consumer's pages of a campaign, drawn by the templates that the consumer gets. The
 * frame runs no script and can claim nothing. */
export function Preview({ id, version }: { id: string; version: number | string }) {
  const { t } = useTranslation('campaigns');
  const [show, setShow] = useState<(typeof pages)[number]>('scan');
  return (
    <div>
      <Segmented
        aria-label={t('preview.pages')}
        value={show}
        onChange={setShow}
        options={pages.map((p) => ({ value: p, label: t(`preview.${p}`) }))}
        style={{ marginBottom: 12 }}
      />
      <PhoneFrame title={t(`preview.${show}`)}>
        <iframe
          key={`${show}-${version}`}
          className="campaign-frame"
          title={t('preview.title')}
          sandbox=""
          src={addressOf('/campaigns/{id}/page', { path: { id }, query: { show } })}
        />
      </PhoneFrame>
    </div>
  );
}
