import { App, Button } from 'antd';
import { useTranslation } from 'react-i18next';

/** useUndo says that something is done and offers to take it back for some seconds. */
export function useUndo(): (done: string, undo: () => Promise<unknown>) => void {
  const { message } = App.useApp();
  const { t } = useTranslation('app');
  return (done, undo) => {
    const key = `undo-${Date.now()}`;
    message.open({
      key,
      type: 'success',
      duration: 8,
      content: (
        <>
          {done}{' '}
          <Button
            type="link"
            size="small"
            onClick={() => {
              message.destroy(key);
              void undo().then(() => message.success(t('form.undone')));
            }}
          >
            {t('form.undo')}
          </Button>
        </>
      ),
    });
  };
}
