import { Button, Input, Select, Space } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useSearchParams } from 'react-router';
import { type Row, useGet } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { Copy, DataTable, memberName, Page, StateTag, Time, tail } from '@/ui';
import { KeyTags } from './parts';
import { kindOf, nobodyText, type Search, searches, wordOf } from './searches';

type Member = Row<'/members'>;

/** The word itself is not kept in the address when it is a whole number: addresses are
 * shared and remembered by browsers. */
function kept(kind: Search): boolean {
  return kind !== 'phone';
}

export function Component() {
  const { t } = useTranslation('members');
  const brand = useBrandID();
  const may = useCan();
  const navigate = useNavigate();
  const [search, setSearch] = useSearchParams();
  const [phone, setPhone] = useState('');
  const tiers = useGet('/brands/{id}/tiers', {
    params: { path: { id: brand } },
    enabled: Boolean(brand) && may('tier:read'),
  });
  const asked = searches.find((k) => kept(k) && search.get(k));
  const query: Record<string, string> = { brand_id: brand, total: '1' };
  if (phone) query.phone = phone;
  else if (asked) query[asked] = search.get(asked) ?? '';

  return (
    <Page
      title={t('list.title')}
      about={t('list.about')}
      watermark
      actions={
        may('import:write') ? <Button onClick={() => navigate('/members/imports')}>{t('list.import')}</Button> : null
      }
    >
      <SearchBox
        key={`${asked}${phone}`}
        kind={phone ? 'phone' : (asked ?? 'phone_tail')}
        word={phone || (asked ? (search.get(asked) ?? '') : '')}
        onSearch={(kind, word) => {
          setPhone(kind === 'phone' ? word : '');
          const next = new URLSearchParams();
          const b = search.get('brand');
          if (b) next.set('brand', b);
          if (word && kept(kind)) next.set(kind, word);
          setSearch(next);
        }}
      />
      <DataTable
        id="members"
        path="/members"
        params={{ query: query as object }}
        to={(m: Member) => `/members/${m.id}`}
        filters={
          phone || asked
            ? []
            : [
                {
                  name: 'state',
                  label: t('list.state'),
                  kind: 'select',
                  options: ['active', 'blocked', 'erased'].map((s) => ({ value: s, label: t(`state.${s}`) })),
                },
                {
                  name: 'level',
                  label: t('list.level'),
                  kind: 'select',
                  options: (tiers.data?.levels ?? []).map((l, i) => ({ value: String(i), label: l.name })).slice(1),
                },
                { name: 'joined', label: t('list.joined'), kind: 'range', names: ['joined_from', 'joined_until'] },
              ]
        }
        columns={[
          { key: 'id', title: t('list.member'), render: (m: Member) => memberName(m.id) },
          { key: 'keys', title: t('list.keys'), render: (m: Member) => <KeyTags keys={m.keys} /> },
          {
            key: 'level',
            title: t('list.level'),
            about: t('list.levelAbout'),
            render: (m: Member) => m.level_name || '—',
          },
          {
            key: 'state',
            title: t('list.state'),
            render: (m: Member) => (
              <StateTag
                state={m.state}
                labels={{ active: t('state.active'), blocked: t('state.blocked'), erased: t('state.erased') }}
                tone={m.state === 'blocked' ? 'red' : undefined}
              />
            ),
          },
          {
            key: 'family',
            title: t('list.family'),
            about: t('list.familyAbout'),
            render: (m: Member) => (m.root_id ? t('list.joinedTo', { tail: tail(m.root_id) }) : '—'),
          },
          { key: 'joined', title: t('list.joined'), render: (m: Member) => <Time at={m.created_at} /> },
          { key: 'number', title: t('list.number'), render: (m: Member) => <Copy text={m.id ?? ''} /> },
        ]}
        exportAs={phone || asked ? undefined : 'members'}
        empty={{
          title: phone || asked ? t('list.nobody') : t('list.empty'),
          text: t(phone || asked ? nobodyText(asked) : 'list.emptyText'),
          example: phone || asked ? undefined : t('list.emptyExample'),
          action: may('import:write') ? (
            <Button type="primary" onClick={() => navigate('/members/imports')}>
              {t('list.import')}
            </Button>
          ) : undefined,
        }}
      />
    </Page>
  );
}

function SearchBox({
  kind: kindGiven,
  word: wordGiven,
  onSearch,
}: {
  kind: Search;
  word: string;
  onSearch: (kind: Search, word: string) => void;
}) {
  const { t } = useTranslation('members');
  const [kind, setKind] = useState<Search>(kindGiven);
  const [word, setWord] = useState(wordGiven);
  const go = () => {
    const meant = kindOf(kind, word);
    setKind(meant);
    onSearch(meant, wordOf(meant, word));
  };
  return (
    <search className="section" style={{ display: 'block' }}>
      <Space.Compact style={{ width: 'min(640px, 100%)' }}>
        <Select
          aria-label={t('list.searchBy')}
          value={kind}
          onChange={setKind}
          style={{ width: 150 }}
          options={searches.map((k) => ({ value: k, label: t(`search.${k}`) }))}
        />
        <Input
          aria-label={t('list.searchWord')}
          placeholder={t(`search.${kind}_hint`)}
          value={word}
          allowClear
          autoComplete="off"
          onChange={(e) => {
            setWord(e.target.value);
            if (e.target.value === '' && wordGiven) onSearch(kind, '');
          }}
          onPressEnter={go}
        />
        <Button type="primary" onClick={go} disabled={!word.trim()}>
          {t('list.search')}
        </Button>
      </Space.Compact>
    </search>
  );
}
