import { Alert, App, Button, Form } from 'antd';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { ApiError, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { Forbidden } from '@/app/NotFound';
import { useCan } from '@/app/session';
import { Broken, FaultAlert, Page, unread, useKept, Waiting } from '@/ui';
import { Restored, StepBar, StepButtons, useStep } from '@/ui/DraftWizard';
import { type Draft, emptyDraft, fromPush, type Push, toInput } from './draft';
import { PushState } from './state';
import { ControlStep } from './steps/Control';
import { ReviewStep } from './steps/Review';
import { WhatStep } from './steps/What';
import { WhenStep } from './steps/When';
import { WhoStep } from './steps/Who';
import './pushes.css';

const stepKeys = ['who', 'what', 'when', 'control', 'review'] as const;

/** The wizard: each step forward saves the draft; what the server did not take stays here. */
export function Component() {
  const { id } = useParams();
  const { t } = useTranslation('pushes');
  const brand = useBrandID();
  const may = useCan()('push:write');
  const found = useGet('/pushes/{id}', { params: { path: { id: id ?? '' } }, enabled: may && Boolean(id) });
  const holdout = useGet('/holdout', { params: { query: { brand_id: brand } }, enabled: may && Boolean(brand) });
  if (!may) return <Forbidden permission="push:write" />;
  const error = found.error ?? holdout.error;
  if (error && (!holdout.data || (id && !found.data)))
    return <Broken error={error} again={() => void (found.error ? found : holdout).refetch()} />;
  if (!brand || !holdout.data || (id && !found.data)) return <Waiting />;
  const p = id ? found.data : undefined;
  if (p && p.state !== 'draft') {
    return (
      <Page title={p.name} tag={<PushState state={p.state} />} trail={[{ title: t('menu.pushes'), to: '/pushes' }]}>
        <Alert type="info" showIcon title={t('wizard.notDraft')} />
      </Page>
    );
  }
  return (
    <Wizard key={id ?? `new-${brand}`} push={p} brand={p?.brand_id ?? brand} held={holdout.data.settings.held_bp} />
  );
}

function Wizard({ push, brand, held }: { push?: Push; brand: string; held: number }) {
  const { t } = useTranslation('pushes');
  const { message } = App.useApp();
  const [form] = Form.useForm<Draft>();
  const there = useMemo(() => (push ? fromPush(push) : emptyDraft(held)), [push, held]);
  const [here, keepHere] = useKept<Draft | null>(`siyu.push.${push?.id ?? `new-${brand}`}`, null);
  const start = useRef({ ...emptyDraft(held), ...(here ?? there) });
  const stored = useRef(JSON.stringify(there));
  // Of what is shown: what somebody else has saved since is not taken back.
  const version = useRef(push?.version ?? 0);
  const [restored, setRestored] = useState(here !== null && JSON.stringify(here) !== stored.current);
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  Form.useWatch([], { form, preserve: true }); // draws again with every key, also for what has no field yet
  const values = { ...start.current, ...(form.getFieldsValue(true) as Draft) };
  const { at, key, show } = useStep(stepKeys, '/pushes', Boolean(push));

  // A tab that is closed with something unsaved keeps it, and says so next time.
  const text = JSON.stringify(values);
  const kept = useRef(here === null ? '' : JSON.stringify(here));
  useEffect(() => {
    if (text === stored.current || text === kept.current) return;
    kept.current = text;
    keepHere(JSON.parse(text) as Draft);
  }, [text, keepHere]);

  const create = useWrite('post', '/pushes', { invalidate: ['/pushes'], quiet: true });
  const update = useWrite('put', '/pushes/{id}', { invalidate: ['/pushes'], quiet: true });
  const save = async (): Promise<Push | null> => {
    if (unread(document)) return null;
    if (push && text === stored.current) return push;
    setBusy(true);
    setFault(null);
    try {
      const body = toInput(values, brand);
      const got = push
        ? await update.mutateAsync({
            params: { path: { id: push.id } },
            body: { ...body, version: version.current, reason: '' },
          })
        : await create.mutateAsync({ body });
      stored.current = text;
      version.current = got.version;
      keepHere(null);
      setRestored(false);
      return got;
    } catch (error) {
      setFault(error);
      if (!(error instanceof ApiError)) throw error;
      return null;
    } finally {
      setBusy(false);
    }
  };
  const go = async (to: number) => {
    const step = stepKeys[to] ?? 'who';
    if (to < at) return push ? show(push.id, step) : undefined; // what is typed stays in the form
    try {
      await form.validateFields();
    } catch {
      return; // the fields say what is missing
    }
    const got = await save();
    if (got) show(got.id, step);
  };
  const drop = () => {
    keepHere(null);
    form.setFieldsValue(there);
    setRestored(false);
  };
  const props = { values, form, brand, held };
  return (
    <Page
      title={push ? values.name || push.name : t('wizard.new')}
      tab={t('wizard.new')}
      tag={push ? <PushState state={push.state} /> : undefined}
      trail={[
        { title: t('menu.pushes'), to: '/pushes' },
        ...(push ? [{ title: push.name, to: `/pushes/${push.id}` }] : []),
      ]}
      actions={
        key === 'review' ? null : (
          <Button
            loading={busy}
            onClick={async () => {
              const got = await save();
              if (!got) return;
              message.success(t('done.saved'));
              if (!push) show(got.id, 'who');
            }}
          >
            {t('wizard.save')}
          </Button>
        )
      }
    >
      {restored ? <Restored title={t('wizard.restored')} drop={t('wizard.drop')} onDrop={drop} /> : null}
      {push?.note ? <Alert type="warning" showIcon style={{ marginBottom: 16 }} title={push.note} /> : null}
      <div className="section">
        <StepBar
          steps={stepKeys.map((k) => ({ key: k, title: t(`step.${k}`) }))}
          at={at}
          made={Boolean(push)}
          go={(to) => void go(to)}
        />
        <FaultAlert fault={fault} />
        <Form<Draft>
          form={form}
          layout="vertical"
          initialValues={start.current}
          preserve
          hidden={key === 'review'}
          onFinish={() => void go(at + 1)}
        >
          {key === 'who' ? <WhoStep {...props} /> : null}
          {key === 'what' ? <WhatStep {...props} /> : null}
          {key === 'when' ? <WhenStep {...props} /> : null}
          {key === 'control' ? <ControlStep {...props} /> : null}
          {key === 'review' ? null : (
            <StepButtons at={at} busy={busy} next={t('wizard.next')} back={() => void go(at - 1)} />
          )}
        </Form>
        {key === 'review' && push ? (
          <ReviewStep push={push} values={values} back={() => show(push.id, 'control')} />
        ) : null}
      </div>
    </Page>
  );
}
