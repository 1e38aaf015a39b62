import { useTranslation } from 'react-i18next';
import { type Row, useGet } from '@/api';
import { DataTable, Money, StateTag, Time } from '@/ui';

type Payout = Row<'/payouts'>;

/** Packets: the payouts of a member. */
export function Packets({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const family = useGet('/members/{id}', { params: { path: { id } } });
  return (
    <DataTable
      id="member-packets"
      path="/payouts"
      params={{ query: { member_id: id, limit: 20 } as object }}
      enabled={Boolean(family.data)}
      to={(p: Payout) => `/money/payouts/${p.id}`}
      columns={[
        { key: 'bill', title: t('packet.bill'), render: (p: Payout) => p.bill_no },
        {
          key: 'amount',
          title: t('packet.amount'),
          align: 'right',
          render: (p: Payout) => <Money fen={p.amount_fen} />,
        },
        { key: 'state', title: t('list.state'), render: (p: Payout) => <StateTag state={p.state} /> },
        { key: 'act', title: t('packet.act'), render: (p: Payout) => p.act_name },
        { key: 'at', title: t('identity.at'), render: (p: Payout) => <Time at={p.created_at} /> },
      ]}
      empty={{ title: t('packet.none'), text: t('packet.noneText') }}
    />
  );
}
