import { QrcodeOutlined } from '@ant-design/icons';
import { Button, Form, Modal } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Data, useWrite } from '@/api';
import { Copy, Danger, NumberInput } from '@/ui';

/** SampleCode shows the picture of one code, with the reason noted. */
export function SampleCode({ batch, count, serial }: { batch: string; count: number; serial?: number }) {
  const { t } = useTranslation('goods');
  const [shown, setShown] = useState<Data<'post', '/batches/{id}/sample'> | null>(null);
  const look = useWrite('post', '/batches/{id}/sample', { onDone: setShown, quiet: true });
  return (
    <>
      <Danger
        danger={false}
        trigger={<Button icon={<QrcodeOutlined />}>{t('sample.open')}</Button>}
        title={t('sample.title')}
        consequence={t('sample.text')}
        confirm={t('sample.show')}
        reason
        onConfirm={(v) =>
          look.mutateAsync({
            params: { path: { id: batch } },
            body: { serial: Number(serial ?? v.serial), reason: v.reason },
          })
        }
      >
        {serial ? null : (
          <Form.Item name="serial" label={t('code.serial')} rules={[{ required: true, message: t('needed') }]}>
            <NumberInput min={1} max={count} style={{ width: '100%' }} />
          </Form.Item>
        )}
      </Danger>
      <Modal
        open={shown !== null}
        title={t('sample.of', { serial: shown?.serial ?? 0 })}
        onCancel={() => setShown(null)}
        footer={null}
        destroyOnHidden
      >
        {shown ? (
          <div style={{ textAlign: 'center' }}>
            <img src={shown.png} alt={t('sample.of', { serial: shown.serial })} width={240} height={240} />
            <p>
              <Copy text={shown.url} />
            </p>
          </div>
        ) : null}
      </Modal>
    </>
  );
}
