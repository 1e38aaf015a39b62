import { useTranslation } from 'react-i18next';
import type { Data } from '@/api';
import { addressOf } from '@/api/client';

export type Layout = NonNullable<Data<'get', '/posters/{id}'>['layout']>;
export type Slot = Layout['slots'][number];

/** Slots of these kinds hold a picture of the brand. */
export const pictures = new Set(['product']);

/** Drawing shows a layout while it is edited; the server's own picture is the saved one. */
export function Drawing({
  layout: l,
  picked,
  onPick,
}: {
  layout: Layout;
  picked: number;
  onPick: (n: number) => void;
}) {
  const { t } = useTranslation('leaders');
  return (
    <svg
      viewBox={`0 0 ${l.width_px} ${l.height_px}`}
      width={300}
      style={{ maxWidth: '100%', border: '1px solid #f0f0f0' }}
      role="img"
      aria-label={t('posters.livePreview')}
    >
      <defs>
        <linearGradient id="poster-bg" x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stopColor={l.from} />
          <stop offset="1" stopColor={l.to || l.from} />
        </linearGradient>
      </defs>
      <rect width={l.width_px} height={l.height_px} fill="url(#poster-bg)" />
      {l.picture_id ? (
        <image
          href={addressOf('/poster-pictures/{id}/file', { path: { id: l.picture_id } })}
          width={l.width_px}
          height={l.height_px}
          preserveAspectRatio="xMidYMid slice"
        />
      ) : null}
      {(l.slots ?? []).map((s, i) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: the select beside it does the same with the keyboard
        // biome-ignore lint/suspicious/noArrayIndexKey: slots have no key but their place
        <g key={i} onClick={() => onPick(i)} style={{ cursor: 'pointer' }}>
          <Mark s={s} />
          <rect
            x={s.x}
            y={s.y}
            width={Math.max(0, s.w ?? 0)}
            height={Math.max(0, s.h ?? 0)}
            fill="transparent"
            stroke={i === picked ? '#0958d9' : 'transparent'}
            strokeWidth={4}
            strokeDasharray="10 6"
          />
        </g>
      ))}
    </svg>
  );
}

function Mark({ s }: { s: Slot }) {
  const { t } = useTranslation('leaders');
  const size = s.size_px || 32;
  const middle = s.align === 'center' || s.kind === 'initial';
  const x = s.x + (middle ? s.w / 2 : s.align === 'right' ? s.w : 0);
  const box = { x: s.x, y: s.y, width: Math.max(0, s.w ?? 0), height: Math.max(0, s.h ?? 0) };
  if (s.kind === 'panel') return <rect {...box} rx={s.radius_px ?? 0} fill={s.fill ?? '#ffffff'} />;
  if (s.kind === 'qr')
    return (
      <>
        <rect {...box} fill="#ffffff" />
        <rect x={s.x + s.w * 0.1} y={s.y + s.h * 0.1} width={s.w * 0.8} height={s.h * 0.8} fill="#222222" />
        <text
          x={s.x + s.w / 2}
          y={s.y + s.h / 2}
          fill="#ffffff"
          fontSize={s.w / 6}
          textAnchor="middle"
          dominantBaseline="middle"
        >
          {t('slot.qr')}
        </text>
      </>
    );
  if (pictures.has(s.kind)) {
    return s.picture_id ? (
      <image
        href={addressOf('/poster-pictures/{id}/file', { path: { id: s.picture_id } })}
        {...box}
        preserveAspectRatio="xMidYMid slice"
      />
    ) : (
      <rect {...box} fill="#00000014" />
    );
  }
  const text =
    s.kind === 'name'
      ? t('posters.sampleName')
      : s.kind === 'initial'
        ? t('posters.sampleName').slice(0, 1)
        : (s.text ?? '')
            .replace('{brand}', t('posters.sampleBrand'))
            .replace('{name}', t('posters.sampleName'))
            .replace('{role}', t('role.leader'));
  const perLine = Math.max(1, Math.floor(s.w / size));
  const lines = text.split('\n').flatMap((line) => line.match(new RegExp(`.{1,${perLine}}`, 'gu')) ?? ['']);
  return (
    <>
      {s.kind === 'initial' ? (
        <circle cx={s.x + s.w / 2} cy={s.y + s.h / 2} r={s.w / 2} fill={s.fill ?? '#dddddd'} />
      ) : null}
      {lines.map((line, i) => (
        <text
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no key but their place
          key={i}
          x={x}
          y={s.kind === 'initial' ? s.y + s.h / 2 + size * 0.36 : s.y + size * (1 + i * 1.4)}
          fontSize={size}
          fontWeight={s.bold ? 700 : 400}
          fill={s.color ?? '#333333'}
          textAnchor={middle ? 'middle' : s.align === 'right' ? 'end' : 'start'}
        >
          {line}
        </text>
      ))}
    </>
  );
}
