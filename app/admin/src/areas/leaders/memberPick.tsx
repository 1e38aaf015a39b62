import { AutoComplete } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useList } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { halfWidth } from '@/ui';

/** MemberPick finds a member: leaders, clerks and staff by the beginning of their name,
 * everybody by number. Its value is the member's number. For Form.Item. */
export function MemberPick({
  value,
  onChange,
  onPick,
  id,
  label,
}: {
  value?: string;
  onChange?: (v: string) => void;
  onPick?: (v: string) => void;
  id?: string;
  label?: string;
}) {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const can = useCan()('leader:read');
  const [word, setWord] = useState('');
  const named = word !== '' && !/^\d+$/.test(word);
  const { data } = useList('/leaders', {
    params: { query: { brand_id: brand, name: word, limit: '10' } },
    enabled: Boolean(brand) && can && named,
  });
  const text = value ?? '';
  return (
    <AutoComplete
      id={id}
      aria-label={label}
      style={{ width: '100%', minWidth: 220 }}
      placeholder={t('pick.placeholder')}
      value={text}
      options={
        named ? (data?.data ?? []).map((l) => ({ value: l.member_id ?? '', label: `${l.name} · ${l.member_id}` })) : []
      }
      onChange={(v: string) => {
        const plain = halfWidth(v ?? '').trim();
        setWord(plain);
        onChange?.(plain);
      }}
      onSelect={(v: string) => onPick?.(v)}
      onKeyDown={(e) => {
        if (e.key === 'Enter' && /^\d+$/.test(word)) onPick?.(word);
      }}
      allowClear
    />
  );
}
