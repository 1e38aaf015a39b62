import { Steps } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { dayOf } from '@/ui';
import type { TagDetail } from './words';

type Props = { tag: TagDetail; name: (id: string | null | undefined) => string };

/** Life is where a tag stands between its request and its end, with who did what when. */
export function Life({ tag: g, name }: Props) {
  const { t } = useTranslation('audience');
  const [newest] = g.versions;
  const counts = g.versions.find((v) => v.version === g.version);
  const by = (at: string | null | undefined, who: string | null | undefined): ReactNode =>
    at ? (who ? t('tag.life.by', { who: name(who), day: dayOf(at) }) : dayOf(at)) : undefined;
  const retired = g.state === 'retired';
  const due = g.due_at ? Date.parse(g.due_at) <= Date.now() : false;
  const sentBack = newest?.state === 'rejected' && g.version === 0;
  const at = retired ? 5 : g.state === 'running' ? (due ? 4 : 3) : sentBack || g.state === 'pending' ? 2 : 1;
  const written = counts ?? newest;
  return (
    <div className="section tag-life">
      <Steps
        size="small"
        current={at}
        status={sentBack ? 'error' : retired ? 'finish' : 'process'}
        aria-label={t('tag.life.title')}
        items={[
          { title: t('tag.life.asked'), content: by(g.created_at, g.by_id) },
          { title: t('tag.life.built'), content: by(written?.created_at, written?.by_id) },
          {
            title: t(sentBack ? 'tag.life.sentBack' : 'tag.life.decided'),
            content: counts
              ? by(counts.decided_at, counts.decided_by)
              : sentBack
                ? by(newest.decided_at, newest.decided_by)
                : g.state === 'pending'
                  ? t('tag.state.pending')
                  : undefined,
          },
          {
            title: t('tag.life.runs'),
            content: g.state === 'running' ? by(counts?.decided_at, '') : undefined,
          },
          {
            title: t(due ? 'tag.life.due' : 'tag.life.reviewed'),
            content: g.due_at ? t('tag.life.until', { day: dayOf(g.due_at) }) : undefined,
          },
          { title: t('tag.life.retired'), content: retired ? by(g.changed_at, '') : undefined },
        ]}
      />
    </div>
  );
}
