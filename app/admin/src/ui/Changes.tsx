import { useTranslation } from 'react-i18next';

/** A field that an act changed, as the audit log tells it. */
export type Change = { field: string; before: unknown; after: unknown };

/** Changes shows before and after of one act, only the fields that differ, and those that name
 * the thing. */
export function Changes({ changes }: { changes: readonly Change[] | null | undefined }) {
  const { t } = useTranslation('app');
  if (!changes?.length) return <span className="muted">{t('trail.same')}</span>;
  return (
    <div style={{ overflowX: 'auto' }}>
      <table className="changes">
        <thead>
          <tr>
            <th>{t('trail.field')}</th>
            <th>{t('trail.before')}</th>
            <th>{t('trail.after')}</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((c) => {
            const [before, after] = [plain(c.before), plain(c.after)];
            const same = before === after; // it only tells which thing it was
            return (
              <tr key={c.field}>
                <td>{c.field}</td>
                <td>{before ? same ? before : <del>{before}</del> : '—'}</td>
                <td>{after ? same ? after : <ins>{after}</ins> : '—'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function plain(v: unknown): string {
  if (v === null || v === undefined) return '';
  return typeof v === 'string' ? v : JSON.stringify(v);
}
