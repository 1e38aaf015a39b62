import { CheckCircleOutlined, RightOutlined } from '@ant-design/icons';
import dayjs from 'dayjs';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type Data, useGet } from '@/api';
import { Broken, formatCount, Section } from '@/ui';

type Item = NonNullable<NonNullable<Data<'get', '/home/waiting'>>['items']>[number];

/** Todo is what waits for a person: of all kinds only those this operator may do something
 * about, urgent ones first. */
export function Todo({ brandId, every }: { brandId: string; every: number }) {
  const { t } = useTranslation('home');
  const { data, error, refetch } = useGet('/home/waiting', {
    params: { query: { brand_id: brandId } },
    refetchInterval: every,
    keep: true,
  });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  const items = data?.items ?? [];
  const total = items.reduce((n, x) => n + (x.count ?? 0), 0);
  return (
    <Section title={total ? t('todo.some', { count: total, shown: formatCount(total) }) : t('todo.title')}>
      {data && items.length === 0 ? (
        <p className="home-calm">
          <CheckCircleOutlined aria-hidden /> {t('todo.none')}
        </p>
      ) : (
        <ul className="home-todo" aria-busy={!data}>
          {items.map((x) => (
            <li key={x.kind}>
              <Link to={x.path ?? '/'} className={x.urgent ? 'home-urgent' : undefined}>
                <span className="home-todo-count nums">
                  {formatCount(x.count)}
                  {x.more ? '+' : ''}
                </span>
                <span className="home-todo-text">
                  <span className="home-todo-name">{t(`todo.kinds.${x.kind}`)}</span>
                  <span className={x.urgent ? 'home-todo-late' : 'muted'}>
                    <Age item={x} />
                  </span>
                </span>
                <RightOutlined aria-hidden />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Age({ item }: { item: Item }) {
  const { t } = useTranslation('home');
  const at = item.due_at ?? item.oldest_at;
  if (!at) return null;
  const minutes = Math.abs(dayjs().diff(dayjs(at), 'minute'));
  const span =
    minutes < 60
      ? t('todo.minutes', { count: Math.max(1, minutes) })
      : minutes < 48 * 60
        ? t('todo.hours', { count: Math.round(minutes / 60) })
        : t('todo.days', { count: Math.round(minutes / 60 / 24) });
  if (!item.due_at) return <>{t('todo.oldest', { span })}</>;
  return <>{t(dayjs(at).isBefore(dayjs()) ? 'todo.over' : 'todo.due', { span })}</>;
}
