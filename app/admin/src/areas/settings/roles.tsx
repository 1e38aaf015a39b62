import { CheckOutlined } from '@ant-design/icons';
import { Input, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { Broken, Page, Section, useNarrow, Waiting } from '@/ui';

/** Which role may do what (角色权限): one row per permission; on a phone one role at a time. */
export function Component() {
  const { t } = useTranslation('settings');
  const { t: app } = useTranslation('app');
  const { data: roles, error, refetch } = useGet('/roles');
  const [q, setQ] = useState('');
  const [picked, setPicked] = useState('');
  const narrow = useNarrow();
  if (error && !roles) return <Broken error={error} again={() => void refetch()} />;
  if (!roles) return <Waiting />;
  const all = [...new Set(roles.flatMap((r) => r.permissions))];
  const word = (p: string) => t(`permissions.${p.replace(':', '_')}`, { defaultValue: p });
  const shown = all.filter((p) => `${p} ${word(p)}`.toLowerCase().includes(q.trim().toLowerCase()));
  const name = (r: (typeof roles)[number]) => app(`roles.${r.key}`, { defaultValue: r.name });
  const role = roles.find((r) => r.key === picked) ?? roles[0];
  return (
    <Page title={t('roles.title')} about={t('roles.about')}>
      <Section>
        {narrow ? (
          <Select
            aria-label={t('roles.role')}
            value={role?.key}
            options={roles.map((r) => ({ value: r.key, label: name(r) }))}
            onChange={setPicked}
            style={{ width: '100%', marginBottom: 12 }}
          />
        ) : null}
        <Input
          aria-label={t('roles.find')}
          placeholder={t('roles.find')}
          allowClear
          value={q}
          onChange={(e) => setQ(e.target.value)}
          style={{ maxWidth: 260, marginBottom: 12 }}
        />
        {narrow ? (
          <ul className="role-permissions">
            {shown
              .filter((p) => role?.permissions.includes(p))
              .map((p) => (
                <li key={p}>
                  <CheckOutlined aria-hidden /> {word(p)} <span className="muted">{p}</span>
                </li>
              ))}
          </ul>
        ) : (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
          <section className="matrix" aria-label={t('roles.title')} tabIndex={0}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{t('roles.permission')}</th>
                  {roles.map((r) => (
                    <th key={r.key} scope="col">
                      {name(r)}
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
        )}
      </Section>
    </Page>
  );
}
