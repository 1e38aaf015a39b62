import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useCan } from '@/app/session';
import { Section } from '@/ui';
import type { Flow } from './batch';
import { GeneratePack } from './GeneratePack';
import { PackCard } from './PackCard';

/** Packs are the print packs of a batch, newest first. */
export function Packs({ flow }: { flow: Flow }) {
  const { t } = useTranslation('goods');
  const can = useCan();
  if (!flow.batch || !can('export:read')) return null;
  return (
    <Section title={t('pack.section')} extra={can('export:write') ? <GeneratePack batch={flow.batch} /> : null}>
      {flow.exports.length === 0 ? <p className="muted">{t('pack.none')}</p> : null}
      {flow.exports.map((x) => (
        <div key={x.id} style={{ borderTop: '1px solid #f0f0f0', padding: '12px 0' }}>
          <PackCard pack={x} logins={flow.logins} />
          <Link to={`/goods/exports/${x.id}`}>{t('pack.more')}</Link>
        </div>
      ))}
    </Section>
  );
}
