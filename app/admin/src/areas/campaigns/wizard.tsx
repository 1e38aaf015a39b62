import { Alert, App, Button, Form } from 'antd';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router';
import { ApiError, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { Forbidden } from '@/app/NotFound';
import { useCan } from '@/app/session';
import { Broken, FaultAlert, Page, StateTag, unread, Waiting } from '@/ui';
import { Restored, StepBar, StepButtons, useStep } from '@/ui/DraftWizard';
import './campaigns.css';
import { useBatches } from './batches';
import { Clash } from './Clash';
import { type Campaign, type Draft, emptyDraft, forget, fromCampaign, keep, kept, toInput } from './draft';
import { CapsStep } from './steps/Caps';
import { PrizesStep } from './steps/Prizes';
import { ReviewStep } from './steps/Review';
import { ScopeStep } from './steps/Scope';
import { WordsStep } from './steps/Words';

export const stepKeys = ['scope', 'prizes', 'budget', 'words', 'review'] as const;
export type StepKey = (typeof stepKeys)[number];

/** The wizard: every step saves the draft, and what the server did not take stays here. */
export function Component() {
  const { id } = useParams();
  const brand = useBrandID();
  const may = useCan()('campaign:write');
  const { t } = useTranslation('campaigns');
  const { data, error, isPending, refetch } = useGet('/campaigns/{id}', {
    params: { path: { id: id ?? '' } },
    enabled: may && Boolean(id),
  });
  if (!may) return <Forbidden permission="campaign:write" />;
  if (!id) return brand ? <Wizard key={`new-${brand}`} brand={brand} /> : <Waiting />;
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (isPending || !data) return <Waiting />;
  if (data.stage !== 'draft') {
    return (
      <Page
        title={data.name}
        tag={<StateTag state={data.stage} />}
        trail={[{ title: t('menu.list'), to: '/campaigns' }]}
      >
        <Alert type="info" showIcon title={t('wizard.notDraft')} description={t(`wizard.why.${data.stage}`)} />
      </Page>
    );
  }
  return <Wizard key={id} campaign={data} brand={data.brand_id ?? brand} />;
}

function Wizard({ campaign, brand }: { campaign?: Campaign; brand: string }) {
  const { t } = useTranslation('campaigns');
  const { message } = App.useApp();
  const navigate = useNavigate();
  const [form] = Form.useForm<Draft>();
  const slot = campaign?.id ?? `new-${brand}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a later answer must not overwrite what is being typed
  const start = useMemo(() => {
    const here = kept(slot);
    const there = campaign ? fromCampaign(campaign) : emptyDraft;
    const restored = here !== null && JSON.stringify(here.values) !== JSON.stringify(there);
    // What was kept changes the version it was made of: who wrote in the meantime is not undone.
    const version = (restored && here.version) || (campaign?.version ?? 0);
    return { values: restored ? here.values : there, restored, version };
  }, [slot]);
  const [restored, setRestored] = useState(start.restored);
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [saved, setSaved] = useState(0);
  const [clash, setClash] = useState(false);
  // What the server has: buttons fill fields too, so only a comparison tells what is unsaved.
  const stored = useRef(campaign ? JSON.stringify(toInput(fromCampaign(campaign), brand)) : '');
  const version = useRef(start.version);
  Form.useWatch([], form); // draws again with every key; the values of other steps are in the store
  const values = { ...start.values, ...(form.getFieldsValue(true) as Draft) };
  const batches = useBatches(
    brand,
    (values.scopes ?? []).map((s) => s?.batch_id ?? ''),
  );
  const create = useWrite('post', '/campaigns', { invalidate: ['/campaigns'], quiet: true });
  const update = useWrite('put', '/campaigns/{id}', { invalidate: ['/campaigns'], quiet: true });
  const { at, key, show } = useStep(stepKeys, '/campaigns', Boolean(campaign));

  // A tab that is closed with something unsaved keeps it, and says so next time.
  useEffect(() => {
    const now = { ...start.values, ...form.getFieldsValue(true) } as Draft;
    if (form.isFieldsTouched() && JSON.stringify(toInput(now, brand)) !== stored.current)
      keep(slot, now, version.current);
  });

  const take = (c: Campaign) => {
    form.setFieldsValue(fromCampaign(c));
    stored.current = JSON.stringify(toInput(fromCampaign(c), brand));
    version.current = c.version;
  };
  // A colleague's change is shown to whoever has typed nothing; who has is asked when he saves.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a newer version is news
  useEffect(() => {
    if (!campaign || campaign.version <= version.current) return;
    const now = { ...start.values, ...form.getFieldsValue(true) } as Draft;
    if (JSON.stringify(toInput(now, brand)) === stored.current) take(campaign);
  }, [campaign?.version]);

  // One after the other: leaving a field saves, and so does the button that was clicked for
  // it; two at once would tell him that somebody else had changed his draft.
  const line = useRef<Promise<unknown>>(Promise.resolve());
  const save = (): Promise<Campaign | null> => {
    const mine = line.current.then(store, store);
    line.current = mine.catch(() => {});
    return mine;
  };
  const made = useRef<Campaign | null>(null); // by a first save whose page is still to come
  const store = async (): Promise<Campaign | null> => {
    const there = campaign ?? made.current;
    const now = { ...start.values, ...form.getFieldsValue(true) } as Draft;
    const body = toInput(now, brand);
    if (there && JSON.stringify(body) === stored.current) {
      forget(slot);
      return there;
    }
    keep(slot, now, version.current);
    setFault(null);
    setClash(false);
    try {
      const got = there
        ? await update.mutateAsync({
            params: { path: { id: there.id } },
            body: { ...body, version: version.current },
          })
        : await create.mutateAsync({ body });
      stored.current = JSON.stringify(body);
      version.current = (got as Campaign).version;
      made.current = got as Campaign;
      forget(slot);
      setRestored(false);
      setSaved((n) => n + 1);
      return got as Campaign;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'campaign_changed') setClash(true);
      else setFault(error);
      if (!(error instanceof ApiError)) throw error;
      return null;
    }
  };
  // Only a button turns: leaving a field for it saves as well, and a button that turned then
  // would not take the click.
  const pressed = async () => {
    if (unread(document)) return null;
    setBusy(true);
    return save().finally(() => setBusy(false));
  };
  const go = async (to: number) => {
    if (to > at) {
      try {
        await form.validateFields();
      } catch {
        return; // the fields say what is missing
      }
    }
    const got = await pressed();
    if (got) show(got.id, stepKeys[to] ?? 'scope');
  };
  // What is reviewed and published is what the server has.
  const unsaved = stored.current !== '' && JSON.stringify(toInput(values, brand)) !== stored.current;
  const drop = () => {
    forget(slot);
    if (campaign) take(campaign);
    else form.setFieldsValue(emptyDraft);
    setRestored(false);
  };
  return (
    <Page
      title={campaign ? values.name || campaign.name : t('wizard.new')}
      tab={t('wizard.new')}
      tag={campaign ? <StateTag state={campaign.stage} /> : undefined}
      trail={[
        { title: t('menu.list'), to: '/campaigns' },
        ...(campaign ? [{ title: campaign.name, to: `/campaigns/${campaign.id}` }] : []),
      ]}
      actions={
        <Button
          loading={busy}
          onClick={async () => {
            if (!values.name) {
              await form.validateFields(['name']).catch(() => {});
              return;
            }
            const got = await pressed();
            if (!got) return;
            message.success(t('wizard.saved'));
            if (!campaign) navigate(`/campaigns/${got.id}/edit`, { replace: true });
          }}
        >
          {t('wizard.save')}
        </Button>
      }
    >
      {restored ? <Restored title={t('wizard.restored')} drop={t('wizard.drop')} onDrop={drop} /> : null}
      <div className="section">
        <StepBar
          steps={stepKeys.map((k) => ({ key: k, title: t(`step.${k}`) }))}
          at={at}
          made={Boolean(campaign)}
          go={(to) => void go(to)}
        />
        {clash && campaign ? (
          <Clash
            id={campaign.id}
            mine={values}
            brand={brand}
            onTheirs={(theirs) => {
              take(theirs);
              forget(slot);
              setClash(false);
              setRestored(false);
              setSaved((n) => n + 1);
            }}
            onMine={(theirs) => {
              version.current = theirs.version;
              void save();
            }}
          />
        ) : null}
        <FaultAlert fault={fault} />
        {fault ? <p className="muted">{t('wizard.safe')}</p> : null}
        <Form<Draft>
          form={form}
          layout="vertical"
          initialValues={start.values}
          preserve
          hidden={key === 'review'}
          onFinish={() => void go(Math.min(at + 1, stepKeys.length - 1))}
        >
          {key === 'scope' ? <ScopeStep values={values} batches={batches} brand={brand} /> : null}
          {key === 'prizes' ? <PrizesStep values={values} batches={batches} form={form} /> : null}
          {key === 'budget' ? <CapsStep values={values} batches={batches} brand={brand} /> : null}
          {key === 'words' && campaign ? (
            <WordsStep campaign={campaign.id} form={form} version={saved} save={save} />
          ) : null}
          {key === 'review' ? null : (
            <StepButtons at={at} busy={busy} next={t('wizard.next')} back={() => void go(at - 1)} />
          )}
        </Form>
        {key === 'review' && campaign ? (
          unsaved ? (
            <Alert
              type="warning"
              showIcon
              title={t('wizard.unsaved')}
              action={
                <Button size="small" type="primary" loading={busy} onClick={() => void pressed()}>
                  {t('wizard.save')}
                </Button>
              }
            />
          ) : (
            <ReviewStep campaign={campaign} go={(k) => void go(stepKeys.indexOf(k))} />
          )
        ) : null}
      </div>
    </Page>
  );
}
