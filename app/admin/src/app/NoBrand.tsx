import { useTranslation } from 'react-i18next';
import { Broken } from '@/ui/Broken';
import { Empty } from '@/ui/Empty';
import { LinkButton } from '@/ui/LinkButton';
import { Page, Section } from '@/ui/Page';
import { useBrand } from './brand';
import { Forbidden } from './NotFound';
import { useCan } from './session';

/** NoBrand stands for a page of a brand while there is none: what to do, or whom to ask. */
export function NoBrand({ title }: { title: string }) {
  const { t } = useTranslation('app');
  const can = useCan();
  const { error, again } = useBrand();
  if (!can('brand:read')) return <Forbidden permission="brand:read" />;
  if (error) return <Broken error={error} again={again} />;
  const may = can('brand:write');
  return (
    <Page title={title}>
      <Section>
        <Empty
          title={t('noBrand.title')}
          text={t(may ? 'noBrand.text' : 'noBrand.ask')}
          example={may ? t('noBrand.example') : undefined}
          action={
            may ? (
              <LinkButton to="/settings/brands" type="primary">
                {t('noBrand.button')}
              </LinkButton>
            ) : undefined
          }
        />
      </Section>
    </Page>
  );
}
