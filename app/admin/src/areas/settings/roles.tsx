import { CheckOutlined } from '@ant-design/icons';
import { Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { Broken, Page, Section, Waiting } from '@/ui';

/** Which role may do what (角色权限): one row per permission. */
export function Component() {
  const { t } = useTranslation('settings');
  const { t: app } = useTranslation('app');
  const { data: roles, error, refetch } = useGet('/roles');
  const [q, setQ] = useState('');
  if (error) return <Broken error={error} again={() => void refetch()} />;
  if (!roles) return <Waiting />;
  const all = [...new Set(roles.flatMap((r) => r.permissions))];
  const word = (p: string) => t(`permissions.${p.replace(':', '_')}`, { defaultValue: p });
  const shown = all.filter((p) => `${p} ${word(p)}`.toLowerCase().includes(q.trim().toLowerCase()));
  return (
    <Page title={t('roles.title')} about={t('roles.about')}>
      <Section>
        <Input
          aria-label={t('roles.find')}
          placeholder={t('roles.find')}
          allowClear
          value={q}
          onChange={(e) => setQ(e.target.value)}
          style={{ maxWidth: 260, marginBottom: 12 }}
        />
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
        <section className="matrix" aria-label={t('roles.title')} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('roles.permission')}</th>
                {roles.map((r) => (
                  <th key={r.key} scope="col">
                    {app(`roles.${r.key}`, { defaultValue: r.name })}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((p) => (
                <tr key={p}>
                  <th scope="row">
                    {word(p)} <span className="muted">{p}</span>
                  </th>
                  {roles.map((r) => (
                    <td key={r.key}>
                      {r.permissions.includes(p) ? <CheckOutlined aria-label={t('roles.yes')} /> : null}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </Section>
    </Page>
  );
}
