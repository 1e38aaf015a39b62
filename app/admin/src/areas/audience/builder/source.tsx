import { createContext, type ReactNode, useContext } from 'react';
import type { ActSpec, AttrSpec } from './types';

export type Choice = { value: string; label: string };

/** What the conditions of one brand can be about. */
export type Source = {
  attrs: readonly AttrSpec[];
  acts: readonly ActSpec[];
  tags: readonly Choice[];
  segments: readonly Choice[];
  lists: readonly Choice[];
  accounts: readonly Choice[];
  products: readonly Choice[];
  /** Asks the server for products by a word; those that are chosen keep their names. */
  findProducts: (word: string) => void;
  findTags: (word: string) => void;
};

const SourceContext = createContext<Source | null>(null);

export function SourceProvider({ source, children }: { source: Source; children: ReactNode }) {
  return <SourceContext.Provider value={source}>{children}</SourceContext.Provider>;
}

export function useSource(): Source {
  const source = useContext(SourceContext);
  if (!source) throw new Error('a rule builder stands outside of its source');
  return source;
}
