import type { ReactNode } from 'react';
import type { RouteObject } from 'react-router';

/** One entry of the menu. */
export type MenuEntry = {
  /** Address below /admin, e.g. '/goods/products'. */
  path: string;
  /** Key in the area's texts, e.g. 'menu.products'. */
  title: string;
  /** Who sees it: one of these permissions; none: everybody who is logged in. Its pages
   * (every address that begins with path) answer others with "no permission". */
  permission?: string | readonly string[];
  /** true: belongs to the house; its pages are good for something before there is a brand. */
  house?: true;
};

/** One area of the panel: its entries of the menu and its pages. */
export type Area = {
  /** Name space of its texts; its title there is the key 'title'. */
  key: string;
  icon: ReactNode;
  menu: readonly MenuEntry[];
  /** Pages, lazy: { path: 'goods/products', lazy: () => import('./products') } where
   * ./products exports Component. */
  routes: readonly RouteObject[];
};

/** granted tells whether one of the permissions is held. */
export function granted(held: readonly string[], wanted?: string | readonly string[]): boolean {
  if (!wanted || wanted.length === 0) return true;
  return (typeof wanted === 'string' ? [wanted] : wanted).some((w) => held.includes(w));
}

/** entryOf is the entry whose pages an address belongs to: the longest path it begins with. */
export function entryOf<E extends { path: string }>(entries: readonly E[], address: string): E | undefined {
  return entries
    .filter((e) => address === e.path || address.startsWith(e.path === '/' ? '/\0' : `${e.path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
}
