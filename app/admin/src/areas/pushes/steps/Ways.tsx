import { ArrowUpOutlined, DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { AutoComplete, Button, Dropdown } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { usePeople } from '@/areas/audience/people';
import { mostUses, templated, type Use } from '../draft';
import { useWayName } from '../words';

type Props = {
  uses: readonly Use[];
  brand: string;
  service: boolean;
  counts: Readonly<Record<number, number>>;
  add: (use: Use) => void;
  remove: (at: number) => void;
  raise: (at: number) => void;
  template: (at: number, id: string) => void;
  id?: string;
};

const same = (a: Use, b: Use) =>
  a.channel === b.channel && a.account_id === b.account_id && a.template_id === b.template_id;

/** Ways are the channels of a push in the order it prefers; a person is reached by the first
 * that is possible. */
export function Ways({ uses, brand, service, counts, add, remove, raise, template, id }: Props) {
  const { t } = useTranslation('pushes');
  const name = useWayName();
  const found = useGet('/reach/ways', { params: { query: { brand_id: brand } } });
  const people = usePeople();
  const ways = found.data ?? [];
  const account = (u: Use) => ways.find((w) => w.account_id === u.account_id)?.account_name ?? '';
  const official = ways.filter((w) => w.channel === 'mass');
  const apps = ways.filter((w) => w.channel === 'custom');
  const offered = [
    ...ways
      .filter((w) => !templated(w.channel) || w.channel === 'subscribe' || service)
      .map((w) => ({
        use: { channel: w.channel, account_id: w.account_id, template_id: w.template_id ?? '' },
        label: name(w),
      })),
    ...apps.map((w) => ({
      use: { channel: 'subscribe', account_id: w.account_id, template_id: '' },
      label: t('what.otherTemplate', { way: name({ channel: 'subscribe', account_name: w.account_name }) }),
    })),
    ...(service
      ? official.map((w) => ({
          use: { channel: 'template', account_id: w.account_id, template_id: '' },
          label: t('what.otherTemplate', { way: name({ channel: 'template', account_name: w.account_name }) }),
        }))
      : []),
  ].filter((o) => !uses.some((u) => same(u, o.use)));
  return (
    <div id={id}>
      <ol className="push-ways">
        {uses.map((u, i) => (
          <li key={`${u.channel}${u.account_id}${templated(u.channel) ? i : ''}`}>
            <span className="push-way-name">
              <strong>{name({ channel: u.channel, account_name: account(u) })}</strong>{' '}
              {counts[i] === undefined ? null : (
                <span className="muted">{t('what.reaches', { n: people.of(counts[i]) })}</span>
              )}
            </span>
            {templated(u.channel) ? (
              <AutoComplete
                aria-label={t('what.template')}
                value={u.template_id}
                onChange={(v) => template(i, v)}
                options={ways
                  .filter((w) => w.channel === u.channel && w.account_id === u.account_id && w.template_id)
                  .map((w) => ({ value: w.template_id }))}
                placeholder={t('what.template')}
                style={{ width: 260 }}
                maxLength={64}
              />
            ) : null}
            <span>
              <Button
                type="text"
                icon={<ArrowUpOutlined />}
                disabled={i === 0}
                aria-label={t('what.sooner')}
                title={t('what.sooner')}
                onClick={() => raise(i)}
              />
              <Button
                type="text"
                icon={<DeleteOutlined />}
                aria-label={t('what.removeWay')}
                title={t('what.removeWay')}
                onClick={() => remove(i)}
              />
            </span>
          </li>
        ))}
      </ol>
      <Dropdown
        trigger={['click']}
        disabled={uses.length >= mostUses || offered.length === 0}
        menu={{
          items: offered.map((o, i) => ({ key: String(i), label: o.label })),
          onClick: ({ key }) => {
            const use = offered[Number(key)]?.use;
            if (use) add(use);
          },
        }}
      >
        <Button icon={<PlusOutlined />}>{t('what.addWay')}</Button>
      </Dropdown>
    </div>
  );
}
