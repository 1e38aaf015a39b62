import { CameraOutlined, InboxOutlined, SearchOutlined } from '@ant-design/icons';
import { Alert, Button, Input, Timeline, Upload } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { type Data, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import {
  actionText,
  Broken,
  Can,
  Copy,
  Detail,
  Empty,
  formatCount,
  formatTime,
  Money,
  memberName,
  Page,
  Section,
  StateTag,
  useNarrow,
  Waiting,
} from '@/ui';
import { SampleCode } from './SampleCode';
import { useWords } from './words';

type Story = Data<'get', '/codes/story'>;

export function Component() {
  const { t } = useTranslation('goods');
  const brand = useBrandID();
  const [search, setSearch] = useSearchParams();
  const asked = {
    text: search.get('text') ?? '',
    batch_id: search.get('batch_id') ?? '',
    serial: search.get('serial') ?? '',
  };
  const [typed, setTyped] = useState(asked.text);
  const there = Boolean(asked.text || (asked.batch_id && asked.serial));
  const { data, error, isFetching, refetch } = useGet('/codes/story', {
    params: {
      query: {
        brand_id: brand || undefined,
        ...(asked.text ? { text: asked.text } : { batch_id: asked.batch_id, serial: asked.serial }),
      },
    },
    enabled: there,
  });
  const look = (text: string) =>
    setSearch((old) => {
      const next = new URLSearchParams();
      if (old.get('brand')) next.set('brand', old.get('brand') ?? '');
      if (text.trim()) next.set('text', text.trim());
      return next;
    });
  // A link from a list brings the code; the field shows what was asked.
  useEffect(() => {
    if (asked.text) setTyped(asked.text);
  }, [asked.text]);
  // Once it is found it goes by its number: a code's value should not stay in the history.
  const found = data?.found && data.genuine ? data.code : null;
  useEffect(() => {
    if (!found?.batch_id || !asked.text) return;
    setSearch(
      (old) => {
        const next = new URLSearchParams(old);
        next.delete('text');
        next.set('batch_id', found.batch_id ?? '');
        next.set('serial', String(found.serial));
        return next;
      },
      { replace: true },
    );
  }, [found, asked.text, setSearch]);
  const decode = useWrite('post', '/codes/decode', {
    onDone: (got) => {
      setTyped(got.text);
      look(got.text);
    },
  });
  const read = (file: File) => {
    const body = new FormData();
    body.append('file', file);
    decode.mutate({ body });
    return false;
  };
  return (
    <Page title={t('menu.codes')} about={t('code.about')} watermark>
      <Section>
        <div style={{ display: 'flex', gap: 16, flexWrap: 'wrap', alignItems: 'stretch' }}>
          <div style={{ flex: '2 1 320px' }}>
            <label htmlFor="code-text">{t('code.paste')}</label>
            <Input.Search
              id="code-text"
              size="large"
              value={typed}
              allowClear
              onChange={(e) => setTyped(e.target.value)}
              onSearch={look}
              enterButton={
                <Button type="primary" icon={<SearchOutlined />}>
                  {t('code.look')}
                </Button>
              }
              placeholder={t('code.placeholder')}
              style={{ marginTop: 4 }}
            />
            <p className="muted" style={{ marginBottom: 0 }}>
              {t('code.hint')}
            </p>
          </div>
          <div style={{ flex: '1 1 240px' }}>
            <Photo busy={decode.isPending} onFile={read} />
          </div>
        </div>
      </Section>
      {error && !data ? <Broken error={error} again={() => void refetch()} /> : null}
      {there && isFetching && !data ? <Waiting /> : null}
      {there && data ? <Found story={data} /> : null}
      {there ? null : <Empty title={t('code.empty')} text={t('code.emptyText')} example={t('code.example')} />}
    </Page>
  );
}

/** Photo takes a picture of a code: dropped, chosen, or on a phone straight from its camera. */
function Photo({ busy, onFile }: { busy: boolean; onFile: (file: File) => boolean }) {
  const { t } = useTranslation('goods');
  const narrow = useNarrow();
  const accept = 'image/png,image/jpeg';
  if (narrow)
    return (
      <Upload accept={accept} capture="environment" showUploadList={false} beforeUpload={onFile}>
        <Button size="large" icon={<CameraOutlined />} loading={busy} block>
          {t('code.camera')}
        </Button>
      </Upload>
    );
  return (
    <Upload.Dragger accept={accept} showUploadList={false} beforeUpload={onFile} disabled={busy}>
      <div>
        <InboxOutlined style={{ fontSize: 24 }} />
        <div>{busy ? t('code.reading') : t('code.drop')}</div>
      </div>
    </Upload.Dragger>
  );
}

function Found({ story }: { story: Story }) {
  const { t } = useTranslation('goods');
  const states = useWords('codeState');
  if (!story.found || !story.batch)
    return <Alert type="error" showIcon title={t('code.unknown')} description={story.why} />;
  const { batch, code, sight } = story;
  return (
    <>
      {story.genuine ? null : <Alert type="error" showIcon title={spoken(story.why)} style={{ marginBottom: 16 }} />}
      {story.flag ? (
        <Alert
          type="warning"
          showIcon
          title={t('code.flagged')}
          description={story.flag}
          style={{ marginBottom: 16 }}
        />
      ) : null}
      <Section
        title={
          <>
            {story.product?.name} · {t('code.no', { n: formatCount(code.serial) })}{' '}
            <StateTag state={code.state} labels={states} tone={code.state === 'activated' ? 'green' : undefined} />
          </>
        }
        extra={
          <Can do="code:sample">
            <SampleCode batch={batch.id} count={batch.count} serial={code.serial} />
          </Can>
        }
      >
        <Detail
          items={[
            { label: t('batch.name'), value: <Link to={`/goods/batches/${batch.id}`}>{batch.name}</Link> },
            { label: t('product.gtin'), value: <Copy text={code.gtin} /> },
            { label: t('code.stateSince'), value: formatTime(code.state_since) },
            code.state_reason ? { label: t('reason'), value: code.state_reason } : null,
            {
              label: t('code.first'),
              value: sight.first_at ? `${formatTime(sight.first_at)} ${sight.first_city}` : t('code.notYet'),
            },
            {
              label: t('code.scans'),
              value: t('code.scansText', { n: sight.scans, others: sight.others, anonymous: sight.anonymous }),
            },
          ]}
        />
      </Section>
      <Section title={t('code.story')}>
        <Timeline
          items={story.moments.map((m, i) => ({
            key: `${m.kind}${m.at}${i}`,
            color: colours[m.kind] ?? 'blue',
            content: <Moment moment={m} />,
          }))}
        />
      </Section>
    </>
  );
}

const colours: Record<string, string> = {
  scan: 'green',
  flag: 'red',
  report: 'red',
  diversion: 'orange',
  claim: 'purple',
  payout: 'purple',
  act: 'gray',
};

/** Moment is one line of the story: when, what, where, who. */
function Moment({ moment: m }: { moment: Story['moments'][number] }) {
  const { t } = useTranslation('goods');
  const can = useCan();
  const verdicts = useWords('verdict');
  const states = useWords('moment.states');
  const channels = useWords('channel');
  const kinds = useWords('pack.kinds');
  const flags = useWords('flag');
  const title = t(`moment.${m.kind}`, { defaultValue: m.kind });
  const words: Record<string, string | undefined> = {
    pack: kinds[m.text],
    flag: flags[m.text.split(':')[0] ?? ''],
    act: actionText(m.text),
  };
  const text = words[m.kind] ?? spoken(m.text);
  const member = m.member_id ? memberName(m.member_id) : '';
  return (
    <div style={{ display: 'flex', gap: 8, flexWrap: 'wrap' }}>
      <span className="muted nums">{formatTime(m.at)}</span>
      <strong>{title}</strong>
      {m.verdict ? <span>{verdicts[m.verdict] ?? m.verdict}</span> : null}
      {m.state ? <span>{states[m.state] ?? m.state}</span> : null}
      {m.amount_fen ? <Money fen={m.amount_fen} /> : null}
      {m.points ? (
        <span>
          {t(m.kind === 'claim' || m.kind === 'commission' ? 'moment.points' : 'moment.codes', {
            n: formatCount(m.points),
          })}
        </span>
      ) : null}
      {text ? <span>{text}</span> : null}
      {m.city || m.province ? <span>{m.city || m.province}</span> : null}
      {m.channel ? <span className="muted">{channels[m.channel]}</span> : null}
      {member && can('member:read') ? <Link to={`/members/${m.member_id}`}>{member}</Link> : null}
      {member && !can('member:read') ? <span className="muted">{member}</span> : null}
      {m.actor ? <span className="muted">{m.actor}</span> : null}
      {m.outcome && m.outcome !== 'done' ? <StateTag state={m.outcome} /> : null}
    </div>
  );
}
