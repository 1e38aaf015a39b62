import { CheckCircleFilled, RightOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type Data, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { Can, Section, useUndo } from '@/ui';

export type SetupData = NonNullable<Data<'get', '/home/setup'>>;

/** Setup are the first steps of a brand. A step is done when what it makes is there. */
export function Setup({ brandId, setup }: { brandId: string; setup: SetupData }) {
  const { t } = useTranslation('home');
  const can = useCan();
  const dismiss = useWrite('put', '/brands/{id}/setup', { invalidate: ['/home/setup'] });
  const undo = useUndo();
  const params = { path: { id: brandId } };
  const back = () =>
    undo(t('setup.dismissed'), (send) =>
      send('put', '/brands/{id}/setup', { params, body: { dismissed: false } }, ['/home/setup']),
    );
  if (setup.ready || setup.dismissed_at) return null;
  const steps = setup.steps ?? [];
  const done = steps.filter((s) => s.done).length;
  const next = steps.find((s) => !s.done && !s.optional);
  return (
    <Section
      title={t('setup.title', { done, all: steps.length })}
      extra={
        <Can do="home:write">
          <Button
            size="small"
            type="text"
            loading={dismiss.isPending}
            onClick={() => dismiss.mutateAsync({ params, body: { dismissed: true } }).then(back, () => {})}
          >
            {t('setup.dismiss')}
          </Button>
        </Can>
      }
    >
      <ol className="home-steps">
        {steps.map((s, i) => {
          const inside = (
            <>
              <span className="home-step-mark" aria-hidden>
                {s.done ? <CheckCircleFilled /> : i + 1}
              </span>
              <span>
                <span className="home-step-name">
                  {t(`setup.steps.${s.key}.title`)}
                  {s.optional ? <span className="muted"> {t('setup.optional')}</span> : null}
                </span>
                <span className="muted home-step-text">
                  {s.done ? t('setup.done') : t(`setup.steps.${s.key}.text`)}
                </span>
              </span>
            </>
          );
          return (
            <li key={s.key} className={s.done ? 'home-done' : s.key === next?.key ? 'home-next' : undefined}>
              {!s.done && (!s.permission || can(s.permission)) ? (
                <Link to={s.path ?? '/'}>
                  {inside}
                  <RightOutlined aria-hidden />
                </Link>
              ) : (
                <div>{inside}</div>
              )}
            </li>
          );
        })}
      </ol>
    </Section>
  );
}
