import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useWrite } from '@/api';
import { Danger } from '@/ui';
import type { SetupData } from './Setup';

/** DemoNotice says that these are the demo's numbers, and puts the demo away. */
export function DemoNotice({ brandId, name, setup }: { brandId: string; name: string; setup: SetupData }) {
  const { t } = useTranslation('home');
  const clear = useWrite('post', '/brands/{id}/archive-demo', {
    quiet: true,
    done: t('demo.done'),
    invalidate: ['/brands', '/home', '/campaigns'],
  });
  if (!setup.demo) return null;
  return (
    <Alert
      className="home-demo"
      type="info"
      showIcon
      title={
        <>
          {t('demo.title')}
          <span className="muted">{t('demo.text')}</span>
        </>
      }
      action={
        setup.clearable ? (
          <Danger
            trigger={<Button size="small">{t('demo.button')}</Button>}
            title={t('demo.ask')}
            name={name}
            confirm={t('demo.button')}
            consequence={
              <ul className="home-list">
                {['campaigns', 'hidden', 'book', 'back'].map((k) => (
                  <li key={k}>{t(`demo.means.${k}`)}</li>
                ))}
              </ul>
            }
            onConfirm={() => clear.mutateAsync({ params: { path: { id: brandId } }, body: { name } })}
          />
        ) : null
      }
    />
  );
}
