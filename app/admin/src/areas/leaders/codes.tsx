import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Row } from '@/api';
import { useBrandID } from '@/app/brand';
import { Can, Copy, DataTable, formatCount, StateTag, Time } from '@/ui';
import { Act, Person, useOptions, useWords } from './parts';

type Code = Row<'/referral/codes'>;

/** Codes are the personal codes by which people bring others: whose, and how many came. */
export function Codes() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const states = useWords('codeState');
  return (
    <DataTable
      id="leaders.codes"
      path="/referral/codes"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand, total: '1' } }}
      filters={[
        { name: 'state', label: t('people.state'), kind: 'select', options: useOptions('codeState') },
        { name: 'member_id', label: t('codes.ownerID'), kind: 'id' },
      ]}
      columns={[
        { key: 'owner', title: t('codes.owner'), render: (x: Code) => <Person who={x.owner} id={x.member_id} /> },
        { key: 'name', title: t('codes.name'), about: t('codes.nameAbout'), render: (x) => x.name || '—' },
        { key: 'state', title: t('people.state'), render: (x) => <StateTag state={x.state} labels={states} /> },
        {
          key: 'bound',
          title: t('codes.bound'),
          about: t('codes.boundAbout'),
          align: 'right',
          render: (x) => (
            <Link to={`/leaders/tree?tab=bindings&referrer_id=${x.member_id ?? ''}`}>
              {formatCount(x.bound)}
              {x.bound_more ? '+' : ''}
            </Link>
          ),
        },
        { key: 'made', title: t('codes.made'), render: (x) => <Time at={x.created_at} /> },
        { key: 'token', title: t('codes.token'), render: (x) => <Copy text={x.token} mono /> },
      ]}
      actions={(x) =>
        x.state === 'open' ? (
          <Can do="referral:write">
            <Act
              method="post"
              path="/referral/codes/{id}/close"
              id={x.id}
              reason
              invalidate={['/referral']}
              done={t('codes.closed')}
              trigger={
                <Button size="small" type="link" danger>
                  {t('codes.close')}
                </Button>
              }
              title={t('codes.closeTitle', { name: x.owner.name })}
              consequence={t('codes.closeText', { n: formatCount(x.bound) })}
            />
          </Can>
        ) : null
      }
      empty={{ title: t('codes.empty'), text: t('codes.emptyText'), example: t('codes.example') }}
    />
  );
}
