import { SearchOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

const Palette = lazy(() => import('./Palette'));

const keys = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘K' : 'Ctrl K';

/** Search is the button in the header, Ctrl/⌘+K everywhere, and "/" for the list's own
 * first filter. */
export default function Search() {
  const { t } = useTranslation('jobs');
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      if ((e.ctrlKey || e.metaKey) && !e.shiftKey && !e.altKey && e.key.toLowerCase() === 'k') {
        e.preventDefault();
        setOpen((was) => !was);
        return;
      }
      const at = e.target as HTMLElement | null;
      if (
        e.key !== '/' ||
        e.ctrlKey ||
        e.metaKey ||
        e.altKey ||
        at?.closest('input, textarea, select, [contenteditable="true"], [role="dialog"]')
      )
        return;
      const filter = document.querySelector<HTMLElement>('.filters input');
      if (filter) {
        e.preventDefault();
        filter.focus();
      }
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
  return (
    <>
      <Button
        type="text"
        icon={<SearchOutlined />}
        aria-label={`${t('search.button')} ${keys}`}
        aria-keyshortcuts="Control+K Meta+K"
        title={t('search.button')}
        onClick={() => setOpen(true)}
      >
        <kbd className="user-name muted" style={{ fontSize: 12 }}>
          {keys}
        </kbd>
      </Button>
      {open ? (
        <Suspense fallback={null}>
          <Palette onClose={() => setOpen(false)} />
        </Suspense>
      ) : null}
    </>
  );
}
