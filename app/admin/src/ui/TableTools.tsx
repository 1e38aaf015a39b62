import { DeleteOutlined, DownOutlined, HolderOutlined, SettingOutlined, UpOutlined } from '@ant-design/icons';
import { Button, Checkbox, Input, Popover, Space } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Column } from './Table';
import { useViews } from './views';

/** Which columns are shown, in which order. */
export type Shown = { order: string[]; hidden: string[] };

/** shownColumns applies somebody's settings; columns that came with a newer release stand at
 * their own place and are not lost. */
export function shownColumns<R>(columns: readonly Column<R>[], shown: Shown | null): Column<R>[] {
  if (!shown) return columns.filter((c) => !c.hidden);
  return ordered(columns, shown).filter((c) =>
    shown.order.includes(c.key) ? !shown.hidden.includes(c.key) : !c.hidden,
  );
}

function ordered<R>(columns: readonly Column<R>[], shown: Shown | null): Column<R>[] {
  const at = (c: Column<R>) => {
    const i = shown?.order.indexOf(c.key) ?? -1;
    return i < 0 ? columns.indexOf(c) : i;
  };
  return [...columns].sort((a, b) => at(a) - at(b));
}

export function ColumnSettings<R>({
  columns,
  shown,
  onChange,
}: {
  columns: readonly Column<R>[];
  shown: Shown | null;
  onChange: (shown: Shown | null) => void;
}) {
  const { t } = useTranslation('app');
  const list = ordered(columns, shown);
  const visible = shownColumns(columns, shown);
  const order = list.map((c) => c.key);
  const hidden = list.filter((c) => !visible.includes(c)).map((c) => c.key);
  const move = (i: number, by: number) => {
    const next = [...order];
    const [key] = next.splice(i, 1);
    if (key) next.splice(i + by, 0, key);
    onChange({ order: next, hidden });
  };
  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      content={
        <div style={{ width: 240 }}>
          {list.map((c, i) => (
            <div key={c.key} style={{ display: 'flex', alignItems: 'center', gap: 4 }}>
              <HolderOutlined className="muted" />
              <Checkbox
                style={{ flex: 1 }}
                checked={!hidden.includes(c.key)}
                disabled={visible.length === 1 && visible[0]?.key === c.key}
                onChange={(e) =>
                  onChange({ order, hidden: e.target.checked ? hidden.filter((k) => k !== c.key) : [...hidden, c.key] })
                }
              >
                {c.title}
              </Checkbox>
              <Button
                type="text"
                size="small"
                icon={<UpOutlined />}
                disabled={i === 0}
                aria-label={t('table.up', { name: c.title })}
                onClick={() => move(i, -1)}
              />
              <Button
                type="text"
                size="small"
                icon={<DownOutlined />}
                disabled={i === list.length - 1}
                aria-label={t('table.down', { name: c.title })}
                onClick={() => move(i, 1)}
              />
            </div>
          ))}
          <Button type="link" size="small" onClick={() => onChange(null)}>
            {t('table.reset')}
          </Button>
        </div>
      }
    >
      <Button icon={<SettingOutlined />} aria-label={t('table.columns')} title={t('table.columns')} />
    </Popover>
  );
}

export function SavedViews({
  list,
  search,
  onOpen,
}: {
  list: string;
  search: string;
  onOpen: (search: string) => void;
}) {
  const { t } = useTranslation('app');
  const { views, save, remove } = useViews(list);
  const [name, setName] = useState('');
  const [open, setOpen] = useState(false);
  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      open={open}
      onOpenChange={setOpen}
      content={
        <div style={{ width: 260 }}>
          {views.length === 0 ? <p className="muted">{t('table.noViews')}</p> : null}
          {views.map((v) => (
            <div key={v.id} style={{ display: 'flex' }}>
              <Button
                type="link"
                style={{ flex: 1, textAlign: 'left', padding: 0 }}
                onClick={() => {
                  setOpen(false);
                  onOpen(v.search);
                }}
              >
                {v.name}
              </Button>
              <Button
                type="text"
                size="small"
                icon={<DeleteOutlined />}
                aria-label={t('table.removeView', { name: v.name })}
                onClick={() => remove(v)}
              />
            </div>
          ))}
          {search ? (
            <Space.Compact style={{ width: '100%', marginTop: 8 }}>
              <Input
                aria-label={t('table.viewName')}
                placeholder={t('table.viewName')}
                maxLength={30}
                value={name}
                onChange={(e) => setName(e.target.value)}
              />
              <Button
                type="primary"
                disabled={!name.trim()}
                onClick={() => {
                  save(name.trim(), search);
                  setName('');
                }}
              >
                {t('table.saveView')}
              </Button>
            </Space.Compact>
          ) : null}
        </div>
      }
    >
      <Button>{t('table.views')}</Button>
    </Popover>
  );
}
