import { Alert, Button, DatePicker, Form, Input } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { type Data, useGet, useList, useWrite } from '@/api';
import { errorText } from '@/api/error';
import { useCan } from '@/app/session';
import { mark } from '@/i18n/marks';
import {
  Broken,
  Can,
  Chart,
  Danger,
  Detail,
  FormDrawer,
  Page,
  Section,
  StatCards,
  StateTag,
  Table,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { AskMember } from './AskMember';
import { Funnel } from './Funnel';
import { usePeople } from './people';
import { TakeOut } from './TakeOut';
import { usePlan } from './useReach';

type Segment = Data<'get', '/segments/{id}'>;

/** One segment: who is in it, how that moved, and why somebody is. */
export function Component() {
  const { t } = useTranslation('audience');
  const people = usePeople();
  const can = useCan();
  const { id = '' } = useParams();
  const navigate = useNavigate();
  const [taking, setTaking] = useState(false);
  const [fast, setFast] = useState(false);
  const found = useGet('/segments/{id}', { params: { path: { id } }, refetchInterval: fast ? 3000 : 30_000 });
  const g = found.data;
  // A count of an older rule is not who is in it now.
  const counted = Boolean(g?.now.as_of) && g?.now.version === g?.version;
  useEffect(() => setFast(g?.state === 'active' && !counted), [g, counted]);
  const plan = usePlan(g?.brand_id ?? '', Boolean(g));
  const size = useGet('/segments/size', {
    params: { query: { brand_id: g?.brand_id ?? '', tree: JSON.stringify(g?.rule.tree ?? {}), ...plan } },
    enabled: Boolean(g),
    keep: true,
  });
  const archive = useWrite('post', '/segments/{id}/archive', {
    invalidate: ['/segments'],
    done: t('segments.archived'),
    quiet: true,
  });
  const take = useWrite('post', '/segments/{id}/lists', {
    invalidate: ['/segment-lists'],
    done: t('segments.taken'),
    quiet: true,
    onDone: (l) => navigate(`/audience/lists/${l.id}`),
  });
  if (found.error && !g) return <Broken error={found.error} again={() => void found.refetch()} />;
  if (!g) return <Waiting />;
  const labels = { active: t('segmentState.active'), archived: t('segmentState.archived') };
  return (
    <Page
      title={g.name}
      tag={<StateTag state={g.state} labels={labels} />}
      trail={[{ title: t('menu.segments'), to: '/audience/segments' }]}
      actions={
        g.state === 'active' ? (
          <>
            <TakeOut list="segment_people" query={{ segment_id: id }} />
            <Can do="segment:write">
              <Danger
                trigger={<Button>{t('segments.archive')}</Button>}
                title={t('segments.archiveTitle', { name: g.name })}
                consequence={t('segments.archiveText')}
                danger={false}
                onConfirm={() => archive.mutateAsync({ params: { path: { id } }, body: { rev: g.rev } })}
              />
              <Button onClick={() => setTaking(true)}>{t('segments.take')}</Button>
              <Link to={`/audience/segments/${id}/edit`}>
                <Button type="primary">{t('segments.edit')}</Button>
              </Link>
            </Can>
          </>
        ) : null
      }
    >
      <StatCards
        items={[
          {
            key: 'count',
            title: t('segments.count'),
            value: counted ? people.of(g.now.count) : '—',
            about: t('segments.countAbout'),
            note: counted ? <Time at={g.now.as_of} /> : t('segments.notYet'),
          },
          { key: 'version', title: t('segments.version'), value: g.version, note: <Time at={g.changed_at} /> },
          {
            key: 'users',
            title: t('segments.users'),
            value: g.users.length + g.pushes.length,
            about: t('segments.usersAbout'),
          },
        ]}
      />
      <Section title={t('editor.rule')}>
        <p className="audience-sentence">{g.rule.sentence}</p>
        <Detail
          items={[
            { label: t('segments.note'), value: g.note, wide: true },
            {
              label: t('segments.users'),
              wide: true,
              value:
                g.users.length > 0
                  ? g.users.map((u, i) => (
                      <span key={u.id}>
                        {i > 0 ? mark('、') : ''}
                        <Link to={`/audience/segments/${u.id}`}>{u.name}</Link>
                      </span>
                    ))
                  : null,
            },
            {
              label: t('segments.pushes'),
              wide: true,
              value:
                g.pushes.length > 0
                  ? g.pushes.map((p, i) => (
                      <span key={p.id}>
                        {i > 0 ? mark('、') : ''}
                        {can('push:read') ? <Link to={`/pushes/${p.id}`}>{p.name}</Link> : p.name}{' '}
                        <span className="muted">{t(`segments.pushState.${p.state}`)}</span>
                      </span>
                    ))
                  : null,
            },
          ]}
        />
        {g.uses.profiling ? (
          <Alert type="info" showIcon title={t('segments.profiling')} style={{ marginTop: 8 }} />
        ) : null}
      </Section>
      <Section title={t('editor.now')}>
        {size.data ? <Funnel data={size.data} stale={size.isFetching} /> : <Waiting />}
      </Section>
      <Days id={id} name={g.name} />
      <Why id={id} />
      <Versions segment={g} />
      <Trail object="segment" id={id} />
      <FormDrawer<{ name: string }>
        title={t('segments.take')}
        open={taking}
        onClose={() => setTaking(false)}
        initial={{ name: `${g.name} ${dayjs().format('MMDD')}` }}
        onSubmit={(v) => take.mutateAsync({ params: { path: { id } }, body: v })}
      >
        <p className="muted">{t('segments.takeText')}</p>
        <Form.Item
          name="name"
          label={t('lists.name')}
          rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
        >
          <Input maxLength={30} showCount />
        </Form.Item>
      </FormDrawer>
    </Page>
  );
}

/** A business day as the API writes it: 20261122. */
const dayNumber = (d: Dayjs) => d.format('YYYYMMDD');
const dayOfNumber = (n: number | string) => dayjs(String(n), 'YYYYMMDD');

function Days({ id, name }: { id: string; name: string }) {
  const { t } = useTranslation('audience');
  const people = usePeople();
  const days = useList('/segments/{id}/snapshots', { params: { path: { id }, query: { limit: '90' } } });
  const rows = useMemo(() => (days.data?.data ?? []).toReversed(), [days.data]);
  const first = rows[0];
  const last = rows.at(-1);
  const [pair, setPair] = useState<[Dayjs, Dayjs] | null>(null);
  const from = pair ? dayNumber(pair[0]) : String(first?.day ?? '');
  const to = pair ? dayNumber(pair[1]) : String(last?.day ?? '');
  const difference = useGet('/segments/{id}/compare', {
    params: { path: { id }, query: { from, to } },
    enabled: from !== '' && to !== '' && from !== to,
  });
  const have = new Set(rows.map((r) => String(r.day)));
  const option = useMemo(
    () => ({
      tooltip: { trigger: 'axis' },
      grid: { left: 56, right: 16, top: 16, bottom: 32 },
      xAxis: { type: 'category', data: rows.map((r) => dayOfNumber(r.day).format('MM-DD')) },
      yAxis: { type: 'value', minInterval: 1 },
      series: [{ name, type: 'line', showSymbol: rows.length < 31, data: rows.map((r) => r.count) }],
    }),
    [rows, name],
  );
  if (rows.length === 0) return null;
  return (
    <Section
      title={t('days.title')}
      extra={
        <DatePicker.RangePicker
          aria-label={t('days.compare')}
          value={pair ?? (first && last ? [dayOfNumber(first.day), dayOfNumber(last.day)] : null)}
          disabledDate={(d) => !have.has(dayNumber(d))}
          onChange={(v) => setPair(v?.[0] && v[1] ? [v[0], v[1]] : null)}
        />
      }
    >
      <Chart label={t('days.chart', { name })} option={option} height={220} />
      {difference.error ? <Alert type="info" showIcon title={errorText(difference.error)} /> : null}
      {difference.data ? (
        <p>
          {t('days.difference', {
            from: dayOfNumber(difference.data.from.day).format('YYYY-MM-DD'),
            to: dayOfNumber(difference.data.to.day).format('YYYY-MM-DD'),
            both: people.of(difference.data.both),
            came: people.of(difference.data.came),
            left: people.of(difference.data.left),
          })}
          {difference.data.from.version === difference.data.to.version ? '' : t('days.otherRule')}
        </p>
      ) : null}
    </Section>
  );
}

/** Why somebody is in the segment, or is not: which condition decided. */
function Why({ id }: { id: string }) {
  const { t } = useTranslation('audience');
  const may = useCan()('member:read');
  const [member, setMember] = useState('');
  const why = useGet('/members/{id}/segment-why', {
    params: { path: { id: member }, query: { segment_id: id } },
    enabled: member !== '',
  });
  if (!may) return null;
  const a = why.data;
  return (
    <Section title={t('why.title')}>
      <AskMember member={member} ask={setMember} busy={why.isFetching} error={why.error} />
      {a ? (
        <div style={{ marginTop: 12 }}>
          <p>
            <strong>{t(a.in ? 'why.in' : 'why.out')}</strong>{' '}
            {a.code ? t(`why.${a.code}`, { defaultValue: a.text }) : null}
          </p>
          <ul className="why">
            {a.reasons.map((r) => (
              <li key={r.path}>
                <span className={`state state-${r.holds ? 'green' : 'red'}`}>
                  {t(r.holds ? 'why.holds' : 'why.not')}
                </span>{' '}
                {r.text}
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </Section>
  );
}

/** Versions are the rules that counted one after the other; an old one can count again. */
function Versions({ segment: g }: { segment: Segment }) {
  const { t } = useTranslation('audience');
  const id = g.id ?? '';
  const save = useWrite('put', '/segments/{id}', {
    invalidate: ['/segments'],
    done: t('segments.restored'),
    quiet: true,
  });
  const list = useList('/segments/{id}/versions', { params: { path: { id }, query: { limit: '20' } } });
  const rows = list.data?.data ?? [];
  if (rows.length < 2) return null;
  return (
    <Section title={t('segments.versions')}>
      <Table
        rows={rows}
        rowKey={(r) => String(r.version)}
        columns={[
          { key: 'version', title: t('segments.version'), width: 80, render: (r) => r.version },
          { key: 'sentence', title: t('editor.rule'), render: (r) => r.sentence },
          { key: 'at', title: t('segments.changed'), width: 180, render: (r) => <Time at={r.created_at} /> },
        ]}
        actions={(r) =>
          g.state === 'active' && r.version !== g.version ? (
            <Can do="segment:write">
              <Danger
                trigger={
                  <Button type="link" size="small">
                    {t('segments.restore')}
                  </Button>
                }
                title={t('segments.restoreTitle', { n: r.version })}
                consequence={t('segments.restoreText', { rule: r.sentence })}
                danger={false}
                onConfirm={() =>
                  save.mutateAsync({
                    params: { path: { id } },
                    body: { brand_id: g.brand_id, name: g.name, note: g.note, tree: r.tree, rev: g.rev },
                  })
                }
              />
            </Can>
          ) : (
            <span className="muted">{t('segments.counts')}</span>
          )
        }
      />
    </Section>
  );
}
