import { useMe } from '@/app/session';
import { useKept } from './kept';

/** A saved view (常用视图): a name for the filters of a list. */
export type View = { id: string; name: string; search: string };

/** useViews reads and writes the saved views of one list. */
export function useViews(list: string): {
  views: readonly View[];
  save: (name: string, search: string) => void;
  remove: (id: string) => void;
} {
  const { me } = useMe();
  const [views, setViews] = useKept<View[]>(`siyu.views.${me.operator.login}.${list}`, []);
  return {
    views,
    save: (name, search) => setViews([...views.filter((v) => v.name !== name), { id: name, name, search }]),
    remove: (id) => setViews(views.filter((v) => v.id !== id)),
  };
}
