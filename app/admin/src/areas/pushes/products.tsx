import { Alert, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useList } from '@/api';
import { useCan } from '@/app/session';
import { mark } from '@/i18n/marks';

/** useProducts are a brand's products by id: all that a page holds, or those a text finds. */
function useProducts(brand: string, q = '') {
  const may = useCan()('product:read');
  const found = useList('/products', {
    params: { query: { brand_id: brand, q, limit: '100' } },
    enabled: may && Boolean(brand),
  });
  return new Map((found.data?.data ?? []).map((p) => [p.id ?? '', `${p.name} ${p.spec}`.trim()]));
}

/** Products chooses some; what was chosen before keeps its name while another is sought. */
export function Products({
  brand,
  value = [],
  onChange,
  id,
}: {
  brand: string;
  value?: string[];
  onChange?: (ids: string[]) => void;
  id?: string;
}) {
  const { t } = useTranslation('pushes');
  const [q, setQ] = useState('');
  const all = useProducts(brand);
  const found = useProducts(brand, q);
  const options = [...new Map([...all, ...found])].map(([value, label]) => ({ value, label }));
  return (
    <Select
      id={id}
      mode="multiple"
      maxCount={20}
      allowClear
      value={value}
      onChange={onChange}
      placeholder={t('control.allProducts')}
      showSearch={{ optionFilterProp: 'label', onSearch: setQ }}
      options={options}
      style={{ width: '100%' }}
    />
  );
}

/** Names says which products are meant. */
export function Names({ ids, brand }: { ids: readonly (string | null)[]; brand: string }) {
  const all = useProducts(brand);
  return <>{ids.map((x) => all.get(x ?? '') ?? x).join(mark('、'))}</>;
}

/** Only says that a report is of some products alone. */
export function Only({ ids, brand }: { ids: readonly (string | null)[]; brand: string }) {
  const { t } = useTranslation('pushes');
  const all = useProducts(brand);
  if (ids.length === 0) return null;
  const names = ids.map((x) => all.get(x ?? '') ?? x).join(mark('、'));
  return <Alert type="info" showIcon style={{ marginBottom: 16 }} title={t('report.only', { names })} />;
}
