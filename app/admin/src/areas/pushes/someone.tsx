import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { useGet } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { AskMember } from '@/areas/audience/AskMember';
import { Section, StateTag, Table, Time } from '@/ui';
import { useWayName } from './words';

/** Why one member can be reached now, or not. */
export function Someone() {
  const { t } = useTranslation('pushes');
  const brand = useBrandID();
  const name = useWayName();
  const may = useCan()('member:read');
  const [search, setSearch] = useSearchParams();
  const member = search.get('member') ?? '';
  const found = useGet('/reach/people/{id}', {
    params: { path: { id: member }, query: { brand_id: brand, purpose: 'marketing' } },
    enabled: Boolean(brand) && member !== '',
  });
  const p = found.data;
  return (
    <>
      <Section>
        <AskMember
          required
          member={member}
          busy={found.isFetching}
          error={found.error}
          ask={(of) =>
            setSearch((old) => {
              const next = new URLSearchParams(old);
              next.set('member', of);
              return next;
            })
          }
        />
      </Section>
      {p ? (
        <>
          <Section
            title={
              may ? (
                <Link to={`/members/${p.member_id}`}>{t('someone.title', { id: p.member_id })}</Link>
              ) : (
                t('someone.title', { id: p.member_id })
              )
            }
          >
            <p>
              <strong>{t(p.reason ? 'someone.no' : 'someone.yes')}</strong>{' '}
              {p.reason ? t(`why.${p.reason}`, { defaultValue: p.text }) : null}{' '}
              {p.not_before ? (
                <>
                  {t('someone.notBefore')} <Time at={p.not_before} />
                </>
              ) : null}
            </p>
            <Table
              rows={p.ways}
              rowKey={(w) => `${w.channel}${w.account_id}${w.template_id}`}
              columns={[
                { key: 'way', title: t('reach.way'), render: (w) => name(w) },
                {
                  key: 'state',
                  title: t('reach.state'),
                  render: (w) => (
                    <StateTag
                      state={w.reason ? 'off' : p.reason ? 'open' : 'ok'}
                      labels={{
                        off: t(`why.${w.reason}`, { defaultValue: w.text }),
                        open: t('someone.open'),
                        ok: t('someone.possible'),
                      }}
                    />
                  ),
                },
                {
                  key: 'grants',
                  title: t('reach.grants'),
                  align: 'right',
                  render: (w) => (w.channel === 'subscribe' ? w.grants : '—'),
                },
              ]}
            />
          </Section>
          <Section title={t('someone.windows')}>
            <Table
              rows={p.windows}
              rowKey={(w) => `${w.account_id}${w.deed}${w.until}`}
              columns={[
                { key: 'deed', title: t('someone.deed'), render: (w) => t(`deed.${w.deed}`, { defaultValue: w.deed }) },
                { key: 'left', title: t('someone.left'), align: 'right', render: (w) => w.left },
                { key: 'until', title: t('someone.until'), render: (w) => <Time at={w.until} /> },
              ]}
              empty={t('someone.noWindow')}
            />
          </Section>
          <Section title={t('someone.messages')}>
            <Table
              rows={p.messages}
              columns={[
                { key: 'at', title: t('someone.at'), render: (m) => <Time at={m.taken_at} /> },
                {
                  key: 'channel',
                  title: t('reach.way'),
                  render: (m) => t(`channel.${m.channel}`, { defaultValue: m.channel }),
                },
                { key: 'purpose', title: t('reach.purpose'), render: (m) => t(`purpose.${m.purpose}`) },
                {
                  key: 'state',
                  title: t('reach.state'),
                  render: (m) => (
                    <StateTag state={m.state} labels={{ sent: t('someone.sent'), reserved: t('someone.reserved') }} />
                  ),
                },
              ]}
              empty={t('someone.noMessage')}
            />
          </Section>
          <Section title={t('someone.wishes')}>
            <Table
              rows={p.wishes}
              rowKey={(w) => `${w.topic}${w.channel}${w.at}`}
              columns={[
                {
                  key: 'what',
                  title: t('someone.wish'),
                  render: (w) =>
                    `${w.topic || t('someone.allTopics')} · ${w.channel ? t(`channel.${w.channel}`) : t('someone.allWays')}`,
                },
                {
                  key: 'refused',
                  title: t('reach.state'),
                  render: (w) => (
                    <StateTag
                      state={w.refused ? 'refused' : 'ok'}
                      labels={{ refused: t('someone.refused'), ok: t('someone.agreed') }}
                    />
                  ),
                },
                { key: 'at', title: t('someone.at'), render: (w) => <Time at={w.at} /> },
              ]}
              empty={t('someone.noWish')}
            />
          </Section>
        </>
      ) : null}
    </>
  );
}
