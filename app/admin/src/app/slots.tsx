import type { ComponentType } from 'react';

/** Export of a list with what is filtered at the moment. */
export type ExportButtonProps = {
  list: string;
  query: Record<string, string>;
  total?: number;
  totalMore?: boolean;
  /** What the button says; without it 导出. */
  label?: string;
  /** What is taken out, in the place of "as filtered". */
  what?: string;
};

/** What other areas put into the shell. The job centre fills them. */
export type Slots = {
  /** Ctrl+K, in the header. */
  Search?: ComponentType;
  /** Running jobs, in the header. */
  Bell?: ComponentType;
  /** Above a DataTable that has exportAs. */
  ExportButton?: ComponentType<ExportButtonProps>;
};

export const slots: Slots = {};
