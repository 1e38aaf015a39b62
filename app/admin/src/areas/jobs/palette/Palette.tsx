import { Input, type InputRef, Modal, Spin } from 'antd';
import type { TFunction } from 'i18next';
import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { matchRoutes, useNavigate } from 'react-router';
import { errorText, useGet } from '@/api';
import { areas } from '@/app/areas';
import { useMe } from '@/app/session';
import { formatFen, halfWidth, memberName } from '@/ui';
import './palette.css';
import { type Hit, placeOf } from './places';
import { stateOf } from './states';

const routes = areas.flatMap((a) => [...a.routes]);

type Line = { key: string; group: string; title: string; about: string; to: string };

/** Palette finds pages here and everything else at the server, by keyboard alone: arrows
 * move, Enter opens, Esc closes. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('jobs');
  const { can } = useMe();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [asked, setAsked] = useState('');
  const [at, setAt] = useState(0);
  const input = useRef<InputRef>(null);
  const list = useRef<HTMLDivElement>(null);
  const name = useId();
  const typed = halfWidth(text).trim();

  useEffect(() => {
    const timer = setTimeout(() => setAsked(typed), 200);
    return () => clearTimeout(timer);
  }, [typed]);
  const { data, error, isFetching } = useGet('/search', {
    params: { query: { q: asked } },
    enabled: asked.length >= 2,
  });

  const pages = useMemo(
    () =>
      areas.flatMap((a) =>
        a.menu
          .filter((e) => can(e.permission))
          .map((e) => ({ to: e.path, title: t(e.title, { ns: a.key }), about: t('title', { ns: a.key }) })),
      ),
    [can, t],
  );
  const lines = useMemo<Line[]>(() => {
    const word = typed.toLowerCase();
    const found = pages
      .filter((p) => !word || `${p.about} ${p.title}`.toLowerCase().includes(word))
      .slice(0, word ? 6 : 50)
      .map((p) => ({ ...p, key: `page-${p.to}`, group: t('search.pages') }));
    // What has no page of its own would open nothing.
    const hits = (asked === typed ? ((data?.hits ?? []) as Hit[]) : []).filter((h) => matchRoutes(routes, placeOf(h)));
    return [
      ...found,
      ...hits.map((h) => ({
        key: `${h.kind}-${h.id}`,
        group: t(`search.kinds.${h.kind}`),
        title: h.kind === 'member' ? memberName(h.id) : h.title || h.id,
        about: aboutOf(t, h),
        to: placeOf(h),
      })),
    ];
  }, [pages, data, asked, typed, t]);
  const chosen = Math.min(at, Math.max(0, lines.length - 1));

  // biome-ignore lint/correctness/useExhaustiveDependencies: another line is chosen
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);

  const open = (line: Line | undefined) => {
    if (!line) return;
    onClose();
    navigate(line.to);
  };
  const press = (e: React.KeyboardEvent) => {
    // Enter that ends a word of an input method opens nothing.
    if (e.nativeEvent.isComposing) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (by && lines.length > 0) {
      e.preventDefault();
      setAt((chosen + by + lines.length) % lines.length);
    }
    if (e.key === 'Enter') {
      e.preventDefault();
      open(lines[chosen]);
    }
  };
  const waiting = typed.length >= 2 && (asked !== typed || isFetching);
  return (
    <Modal
      open
      onCancel={onClose}
      footer={null}
      closable={false}
      title={<span className="palette-name">{t('search.button')}</span>}
      width={640}
      style={{ top: 64, maxWidth: 'calc(100vw - 16px)' }}
      styles={{ body: { padding: 0 }, header: { margin: 0, height: 0, overflow: 'hidden' } }}
      afterOpenChange={(shown) => shown && input.current?.focus()}
      transitionName=""
      maskTransitionName=""
    >
      <Input
        ref={input}
        size="large"
        autoFocus
        allowClear
        value={text}
        onChange={(e) => {
          setText(e.target.value);
          setAt(0);
        }}
        onKeyDown={press}
        placeholder={t('search.placeholder')}
        aria-label={t('search.button')}
        role="combobox"
        aria-expanded={lines.length > 0}
        aria-controls={`${name}-list`}
        aria-activedescendant={lines.length > 0 ? `${name}-${chosen}` : undefined}
        aria-autocomplete="list"
        suffix={waiting ? <Spin size="small" /> : <span />}
      />
      <div ref={list} id={`${name}-list`} role="listbox" aria-label={t('search.results')} className="palette-list">
        {lines.map((line, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <div
            key={line.key}
            id={`${name}-${i}`}
            role="option"
            aria-selected={i === chosen}
            tabIndex={-1}
            className="palette-line"
            onMouseMove={() => setAt(i)}
            onClick={() => open(line)}
          >
            <span className="palette-title">{line.title}</span>
            <span className="muted palette-about">{line.about}</span>
            <span className="muted palette-group">{line.group}</span>
          </div>
        ))}
      </div>
      <div role="status" className="muted palette-foot">
        {error && asked === typed && typed
          ? errorText(error)
          : lines.length === 0 && !waiting
            ? t('search.nothing', { text: typed })
            : t('search.hint')}
      </div>
    </Modal>
  );
}

function aboutOf(t: TFunction, h: Hit): string {
  const what = h.kind === 'payout' || h.kind === 'withdrawal' ? formatFen(Number(h.subtitle)) : h.subtitle;
  return [what, stateOf(t, h)].filter(Boolean).join(' · ');
}
