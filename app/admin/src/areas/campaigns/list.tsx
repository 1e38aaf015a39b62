import { PlusOutlined } from '@ant-design/icons';
import { Button, Progress } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate, useSearchParams } from 'react-router';
import { useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { Can, DataTable, formatCount, LinkButton, Money, Page, StateTag, Time, useProducts } from '@/ui';

const stages = ['draft', 'pending', 'scheduled', 'running', 'paused', 'ended', 'archived'] as const;

export function Component() {
  const { t } = useTranslation('campaigns');
  const { t: app } = useTranslation('app');
  const brand = useBrandID();
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const products = useProducts(brand, search.get('product_id') ?? '');
  const copy = useWrite('post', '/campaigns/{id}/copy', {
    invalidate: ['/campaigns'],
    done: t('list.copied'),
    onDone: (c) => navigate(`/campaigns/${c.id}/edit`),
  });
  const create = (
    <Can do="campaign:write">
      <LinkButton to="/campaigns/new" type="primary" icon={<PlusOutlined />}>
        {t('list.create')}
      </LinkButton>
    </Can>
  );
  return (
    <Page title={t('menu.list')} about={t('list.about')}>
      <DataTable
        id="campaigns"
        path="/campaigns"
        params={{ query: { brand_id: brand, total: '1' } }}
        enabled={Boolean(brand)}
        to={(c) => `/campaigns/${c.id}`}
        toolbar={create}
        filters={[
          { name: 'q', kind: 'text', label: t('list.q'), placeholder: t('list.qHint') },
          {
            name: 'stage',
            kind: 'select',
            label: t('list.stage'),
            options: stages.map((s) => ({ value: s, label: app(`states.${s}`) })),
          },
          {
            name: 'product_id',
            kind: 'select',
            label: t('list.product'),
            options: products.options,
            onSearch: products.search,
          },
          { name: 'time', kind: 'range', label: t('list.time') },
        ]}
        columns={[
          { key: 'name', title: t('field.name'), render: (c) => c.name, width: 200 },
          {
            key: 'stage',
            title: t('list.stage'),
            width: 110,
            render: (c) => (
              <>
                <StateTag state={c.stage} />
                {c.stage === 'draft' && c.approval ? (
                  <div className="muted">{t(`approval.state.${c.approval}`)}</div>
                ) : null}
              </>
            ),
          },
          {
            key: 'window',
            title: t('field.window'),
            width: 170,
            render: (c) =>
              c.from_at ? (
                <span>
                  <Time at={c.from_at} />
                  <br />
                  <Time at={c.until_at} />
                </span>
              ) : (
                <span className="muted">{t('list.noWindow')}</span>
              ),
          },
          {
            key: 'claimed',
            title: t('live.claimed'),
            about: t('live.claimedAbout'),
            width: 170,
            render: (c) =>
              c.codes && c.state !== 'draft' ? (
                <div className="nums" style={{ minWidth: 120 }}>
                  <div>
                    {formatCount(c.claimed)} / {formatCount(c.codes)}
                  </div>
                  <Progress
                    percent={Math.floor((c.claimed / c.codes) * 100)}
                    size="small"
                    aria-label={t('live.share')}
                    strokeColor="#0958d9"
                  />
                </div>
              ) : (
                <span className="muted">—</span>
              ),
          },
          { key: 'won', title: t('money.won'), align: 'right', render: (c) => <Money fen={c.won_fen} /> },
          {
            key: 'spend',
            title: t('money.spend'),
            about: t('money.spendAbout'),
            align: 'right',
            render: (c) => (c.state === 'draft' ? <span className="muted">—</span> : <Money fen={c.spend_fen} />),
          },
          { key: 'created', title: t('field.created'), hidden: true, render: (c) => <Time at={c.created_at} /> },
          { key: 'id', title: t('field.id'), hidden: true, render: (c) => c.id },
        ]}
        actions={(c) => (
          <Can do="campaign:write">
            {c.stage === 'draft' ? (
              <LinkButton to={`/campaigns/${c.id}/edit`} size="small" type="link">
                {t('action.edit')}
              </LinkButton>
            ) : null}
            <Button
              size="small"
              type="link"
              loading={copy.isPending && copy.variables?.params?.path?.id === c.id}
              onClick={() => copy.mutate({ params: { path: { id: c.id } }, body: { reason: '' } })}
            >
              {t('action.copy')}
            </Button>
          </Can>
        )}
        empty={{ title: t('list.empty'), text: t('list.emptyText'), example: t('list.emptyExample'), action: create }}
      />
    </Page>
  );
}
