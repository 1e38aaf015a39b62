import { CopyOutlined } from '@ant-design/icons';
import { App, Button } from 'antd';
import { useTranslation } from 'react-i18next';

/** Copy shows a text with a button that copies it. `shown` is a shorter form of it. */
export function Copy({ text, shown, mono = true }: { text: string; shown?: string; mono?: boolean }) {
  const { t } = useTranslation('app');
  const { message } = App.useApp();
  if (!text) return null;
  return (
    <span style={{ wordBreak: 'break-all' }}>
      <span style={mono ? { fontFamily: 'ui-monospace, Menlo, Consolas, monospace', fontSize: '0.95em' } : undefined}>
        {shown ?? text}
      </span>
      <Button
        type="text"
        size="small"
        aria-label={t('copy.button', { text: shown ?? text })}
        icon={<CopyOutlined />}
        onClick={async (event) => {
          event.stopPropagation();
          if (await copyText(text)) message.success(t('copy.done'));
          else message.warning(t('copy.failed'));
        }}
      />
    </span>
  );
}

/** copyText puts a text on the clipboard, also where the page is plain http and there is no
 * navigator.clipboard. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.style.position = 'fixed';
    area.style.opacity = '0';
    document.body.appendChild(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
