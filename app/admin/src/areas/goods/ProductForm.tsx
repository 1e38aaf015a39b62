import { Form, Image, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { type Data, useWrite } from '@/api';
import { FormDrawer, halfWidth, NumberInput } from '@/ui';

type Product = Data<'get', '/products/{id}'>;
type Values = {
  gtin: string;
  name: string;
  spec?: string;
  picture_url?: string;
  scan_points?: number;
  points_percent?: number;
};

/** ProductForm makes a product, or changes one: then its GTIN is printed already and stays. */
export function ProductForm({
  brand,
  product,
  seen,
  open,
  onClose,
  onDone,
}: {
  brand: string;
  product?: Product;
  /** When it was read. */
  seen?: number;
  open: boolean;
  onClose: () => void;
  onDone?: (product: Product) => void;
}) {
  const { t } = useTranslation('goods');
  const options = { invalidate: ['/products'], done: t('product.saved'), onDone, quiet: true };
  const create = useWrite('post', '/products', options);
  const update = useWrite('put', '/products/{id}', options);
  const save = (v: Values, seen?: number) => {
    const body = { ...v, brand_id: brand, gtin: halfWidth(v.gtin ?? '').trim() };
    return product
      ? update.mutateAsync({ params: { path: { id: product.id } }, body, seen })
      : create.mutateAsync({ body });
  };
  return (
    <FormDrawer<Values>
      title={product ? t('product.edit') : t('product.add')}
      open={open}
      onClose={onClose}
      initial={product ?? { scan_points: 0, points_percent: 100 }}
      seen={seen}
      onSubmit={save}
    >
      {(_, values) => (
        <>
          <Form.Item
            name="gtin"
            label={t('product.gtin')}
            extra={product ? t('product.gtinFixed') : t('product.gtinHint')}
            rules={[{ required: true, message: t('needed') }]}
          >
            <Input disabled={Boolean(product)} maxLength={20} inputMode="numeric" placeholder="6901234567892" />
          </Form.Item>
          <Form.Item
            name="name"
            label={t('product.name')}
            rules={[{ required: true, whitespace: true, message: t('needed') }]}
          >
            <Input maxLength={100} showCount />
          </Form.Item>
          <Form.Item name="spec" label={t('product.spec')} extra={t('product.specHint')}>
            <Input maxLength={100} />
          </Form.Item>
          <Form.Item name="picture_url" label={t('product.picture')} extra={t('product.pictureHint')}>
            <Input maxLength={300} placeholder="https://" />
          </Form.Item>
          {values.picture_url ? (
            <Image src={values.picture_url} alt={values.name ?? ''} height={96} style={{ marginBottom: 16 }} />
          ) : null}
          <Form.Item name="scan_points" label={t('product.points')} extra={t('product.pointsHint')}>
            <NumberInput min={0} max={1_000_000} style={{ width: '100%' }} />
          </Form.Item>
          <Form.Item name="points_percent" label={t('product.percent')} extra={t('product.percentHint')}>
            <NumberInput min={1} max={10_000} suffix="%" style={{ width: '100%' }} />
          </Form.Item>
        </>
      )}
    </FormDrawer>
  );
}
