import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { spoken } from '@/i18n/server';
import { formatCount, Section } from '@/ui';
import type { Home } from './Cards';

const few = 7;

/** Regions are a table whose rows are also bars: it reads as well aloud. */
export function Regions({ home }: { home: Home }) {
  const { t } = useTranslation('home');
  const [all, setAll] = useState(false);
  const list = home.regions ?? [];
  const most = Math.max(1, ...list.map((r) => r.today ?? 0));
  return (
    <Section
      title={t('regions.title')}
      extra={
        list.length > few ? (
          <Button size="small" type="text" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? t('regions.fewer') : t('regions.all', { count: list.length })}
          </Button>
        ) : null
      }
    >
      {list.length === 0 ? (
        <p className="home-calm muted">{t('regions.none')}</p>
      ) : (
        <table className="home-table home-regions">
          <thead>
            <tr>
              <th scope="col">{t('regions.province')}</th>
              <th scope="col">
                <span className="home-hidden">{t('regions.share')}</span>
              </th>
              <th scope="col" className="home-right">
                {t('regions.today')}
              </th>
              <th scope="col" className="home-right">
                {t('regions.yesterday')}
              </th>
            </tr>
          </thead>
          <tbody>
            {list.slice(0, all ? undefined : few).map((r) => (
              <tr key={r.province}>
                <th scope="row">{spoken(r.province) || t('regions.unknown')}</th>
                <td className="home-bar" aria-hidden>
                  {r.today ? <span style={{ width: `${(r.today / most) * 100}%` }} /> : null}
                </td>
                <td className="home-right nums">{formatCount(r.today)}</td>
                <td className="home-right nums muted">{formatCount(r.yesterday)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
