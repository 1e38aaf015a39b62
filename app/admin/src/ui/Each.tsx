import { App, Button, Progress } from 'antd';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, errorText } from '@/api';

const patience = 3; // times that one act waits for its turn
const shown = 20; // of those that were not done

/** useEach does one act after the other for everything that was selected. `doing` stands in
 * place of the buttons meanwhile: how far it is, and a way to stop. At the end it is said for
 * how many it was done, for whom not and why, and how many it did not come to. */
export function useEach<R>(act: (row: R, values: { reason: string }) => Promise<unknown>, name: (row: R) => string) {
  const { t } = useTranslation('app');
  const { message, notification } = App.useApp();
  const [at, setAt] = useState<{ done: number; of: number } | null>(null);
  const stopped = useRef(false);
  useEffect(
    () => () => {
      stopped.current = true; // another page: what is begun ends, nothing else begins
    },
    [],
  );
  const run = async (rows: readonly R[], values: { reason: string }) => {
    const failed: string[] = [];
    let done = 0;
    stopped.current = false;
    for (const row of rows) {
      if (stopped.current) break;
      setAt({ done, of: rows.length });
      try {
        await inTurn(() => act(row, values));
      } catch (error) {
        failed.push(`${name(row)}: ${errorText(error)}`);
      }
      done++;
    }
    setAt(null);
    if (done > failed.length) message.success(t('each.done', { n: done - failed.length }));
    const rest = rows.length - done;
    if (failed.length > 0 || rest > 0) {
      const lines = [...failed.slice(0, shown), ...(failed.length > shown ? ['…'] : [])];
      notification.warning({
        title: [
          ...(failed.length > 0 ? [t('each.failed', { n: failed.length })] : []),
          ...(rest > 0 ? [t('each.left', { n: rest })] : []),
        ].join(t('each.and')),
        description: <span style={{ whiteSpace: 'pre-line' }}>{lines.join('\n')}</span>,
        role: 'alert',
        duration: 0,
      });
    }
  };
  const doing: ReactNode = at ? (
    <span className="page-actions">
      <Progress
        style={{ width: 160 }}
        percent={Math.floor((100 * at.done) / at.of)}
        format={() => `${at.done}/${at.of}`}
        aria-label={t('each.progress')}
      />
      <Button
        size="small"
        onClick={() => {
          stopped.current = true;
        }}
      >
        {t('each.stop')}
      </Button>
    </span>
  ) : null;
  return { run, doing };
}

/** inTurn waits where the server says that there are too many at once. */
async function inTurn(act: () => Promise<unknown>): Promise<unknown> {
  for (let tries = 1; ; tries++) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 429 || tries === patience) throw error;
      const seconds = Number(error.detail.retry_after_s) || 5;
      await new Promise((again) => setTimeout(again, seconds * 1000));
    }
  }
}
