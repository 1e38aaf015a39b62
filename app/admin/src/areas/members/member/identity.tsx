import { Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { spoken } from '@/i18n/server';
import { Broken, Section, StateTag, Table, Time, Waiting } from '@/ui';
import { MemberLink } from '../parts';

/** Identity says why some accounts are one human: each key, and the path of evidence that
 * leads to it. */
export function Identity({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const { data: v, error, refetch } = useGet('/members/{id}/identity', { params: { path: { id } } });
  if (error && !v) return <Broken error={error} again={() => void refetch()} />;
  if (!v) return <Waiting />;
  const reasons = v.why.reasons ?? [];
  const evidence = v.evidence ?? [];
  const merges = v.merges ?? [];
  return (
    <>
      <Section title={t('identity.why')}>
        <p className="muted" style={{ marginTop: 0 }}>
          {t('identity.whyText')}
        </p>
        <div
          style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 380px), 1fr))', gap: 12 }}
        >
          {reasons.map((r) => (
            <div
              key={`${r.key.kind}/${r.key.scope}/${r.shown}`}
              style={{ border: '1px solid #f0f0f0', borderRadius: 8, padding: 12 }}
            >
              <Node shown={v.why.shown} kind={v.why.from.kind} first />
              <ol style={{ margin: '8px 0', paddingInlineStart: 20, borderInlineStart: '2px solid #0958d9' }}>
                {(r.steps ?? []).map((s, i) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a path is in order and does not change
                  <li key={i}>{spoken(s.text)}</li>
                ))}
              </ol>
              <Node shown={r.shown} kind={r.key.kind} />
            </div>
          ))}
        </div>
        {reasons.length === 0 ? <p className="muted">{t('identity.oneKey')}</p> : null}
      </Section>
      <Section title={t('identity.evidence')}>
        <Table
          rows={evidence}
          label={t('identity.evidence')}
          columns={[
            { key: 'shown', title: t('identity.key'), render: (e) => <Node shown={e.shown} kind={e.kind} /> },
            {
              key: 'other',
              title: t('identity.with'),
              render: (e) => (e.other ? <Node shown={e.other} kind={e.other_kind} /> : '—'),
            },
            {
              key: 'event',
              title: t('identity.event'),
              render: (e) => t(`identity.events.${e.event}`, { defaultValue: e.event }),
            },
            {
              key: 'strong',
              title: t('identity.strength'),
              render: (e) => (e.revokes ? t('identity.revoked') : e.strong ? t('identity.strong') : t('identity.weak')),
            },
            { key: 'note', title: t('identity.note'), render: (e) => e.note || '—' },
            { key: 'at', title: t('identity.at'), render: (e) => <Time at={e.at} /> },
          ]}
          empty={t('identity.noEvidence')}
        />
      </Section>
      <Section title={t('identity.merges')}>
        <Table
          rows={merges}
          label={t('identity.merges')}
          columns={[
            {
              key: 'pair',
              title: t('merging.pair'),
              render: (m) => (
                <>
                  <MemberLink id={m.member_id} /> + <MemberLink id={m.other_member_id} />
                </>
              ),
            },
            { key: 'rule', title: t('merging.rule'), render: (m) => m.rule_text },
            { key: 'shown', title: t('merging.by'), render: (m) => m.shown || '—' },
            { key: 'confidence', title: t('merging.confidence'), render: (m) => `${m.confidence}%` },
            {
              key: 'state',
              title: t('list.state'),
              render: (m) => (
                <StateTag state={m.state} labels={{ merged: t('merging.merged'), undone: t('merging.undone') }} />
              ),
            },
            { key: 'at', title: t('identity.at'), render: (m) => <Time at={m.created_at} /> },
          ]}
          empty={t('identity.noMerge')}
        />
      </Section>
    </>
  );
}

function Node({ shown, kind, first }: { shown: string; kind: string; first?: boolean }) {
  const { t } = useTranslation('members');
  const name = t(`kind.${kind}`, { defaultValue: kind });
  return (
    <Tag color={first ? 'blue' : undefined} style={{ margin: 0 }}>
      {shown === name || shown === '' ? name : `${name} ${shown}`}
    </Tag>
  );
}
