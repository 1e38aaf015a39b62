import { ExportOutlined } from '@ant-design/icons';
import { Alert, App, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useGet, useWrite } from '@/api';
import { useCan } from '@/app/session';
import type { ExportButtonProps } from '@/app/slots';
import { mark } from '@/i18n/marks';
import { Danger, formatCount } from '@/ui';

/** ExportButton takes a list out as it is filtered: asks why, and goes on in the
 * background. Absent where the operator may not take this list out. */
export default function ExportButton({ list, query, total, totalMore, label, what }: ExportButtonProps) {
  const { t } = useTranslation('jobs');
  const { notification } = App.useApp();
  const navigate = useNavigate();
  const may = useCan()('extract:make');
  const { data: kinds } = useGet('/extracts/kinds', { enabled: may });
  const make = useWrite('post', '/extracts', { invalidate: ['/jobs'], quiet: true });
  const kind = kinds?.find((k) => k.kind === list);
  if (!may || !kind) return null;
  const known = Object.entries(query).filter(([name]) => kind.filters?.includes(name));
  const lost = Object.keys(query).filter(
    (name) => !kind.filters?.includes(name) && !['brand_id', 'total'].includes(name),
  );
  const start = async (reason: string) => {
    const x = await make.mutateAsync({ body: { kind: list, filter: Object.fromEntries(known), reason } });
    const key = `export-${x.id}`;
    notification.info({
      key,
      title: t('export.started', { title: kind.title }),
      description: t('export.startedText'),
      actions: (
        // Not a Link: notices stand outside of the router.
        <Button
          size="small"
          type="primary"
          onClick={() => {
            notification.destroy(key);
            navigate(`/jobs/extract/${x.id}`);
          }}
        >
          {t('export.look')}
        </Button>
      ),
    });
  };
  return (
    <Danger
      trigger={<Button icon={<ExportOutlined />}>{label ?? t('export.button')}</Button>}
      danger={false}
      reason
      title={t('export.title', { title: kind.title })}
      confirm={t('export.confirm')}
      consequence={
        <>
          <p>
            {what ??
              (total === undefined
                ? t('export.whatUnknown')
                : t(totalMore ? 'export.whatMore' : 'export.what', { n: formatCount(total) }))}
          </p>
          <p className="muted">{t('export.columns', { columns: (kind.columns ?? []).join(mark('、')) })}</p>
          {lost.length > 0 ? <Alert type="warning" showIcon title={t('export.lost')} /> : null}
        </>
      }
      onConfirm={({ reason }) => start(reason)}
    />
  );
}
