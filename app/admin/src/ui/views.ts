import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { useUndo } from './useUndo';

/** A saved view (常用视图): a name for the filters of a list. */
export type View = { id: string; name: string; search: string };

/** useViews reads and writes the operator's own saved views of one list; they are at the
 * server, so he has them on every machine. */
export function useViews(list: string): {
  views: readonly View[];
  save: (name: string, search: string) => void;
  remove: (view: View) => void;
} {
  const { t } = useTranslation('app');
  const undo = useUndo();
  const { data } = useGet('/me/views', { params: { query: { page: list } } });
  const put = useWrite('put', '/me/views', { invalidate: ['/me/views'] });
  const drop = useWrite('delete', '/me/views/{view}', { invalidate: ['/me/views'] });
  return {
    views: (data ?? []).map((v) => ({ id: String(v.id), name: v.name, search: v.query })),
    save: (name, search) => put.mutate({ body: { page: list, name, query: search } }),
    remove: ({ id, name, search }) =>
      drop.mutate(
        { params: { path: { view: id } as never } },
        {
          onSuccess: () =>
            undo(t('table.viewRemoved', { name }), (send) =>
              send('put', '/me/views', { body: { page: list, name, query: search } }, ['/me/views']),
            ),
        },
      ),
  };
}
