import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

/** PhoneFrame shows what a consumer will see. html: a whole page, drawn in a frame that can
 * neither run scripts nor reach the panel; or children. */
export function PhoneFrame({ title, html, children }: { title?: ReactNode; html?: string; children?: ReactNode }) {
  const { t } = useTranslation('app');
  return (
    <figure className="phone" aria-label={t('phone')}>
      <div className="phone-bar">{title}</div>
      <div className="phone-screen">
        {html !== undefined ? <iframe title={t('phone')} srcDoc={html} sandbox="" /> : children}
      </div>
    </figure>
  );
}
