import type { FormInstance } from 'antd';
import type { Draft } from '../draft';

/** What each step of the wizard gets. values has all steps' values, also unsaved ones. */
export type StepProps = {
  values: Draft;
  form: FormInstance<Draft>;
  brand: string;
  /** The brand's share of people who are left alone, of 10,000. */
  held: number;
};
