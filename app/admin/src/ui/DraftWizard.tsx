import { Alert, Button, Steps } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate, useSearchParams } from 'react-router';
import { useNarrow } from './narrow';

// The frame of a wizard whose every step saves a draft at the server, and whose address says
// which step it shows. What a step is and when it may be left is the area's own.

/** useStep is the step that the address names, and the first one while there is no draft yet;
 * show turns to a step of the draft with that id, under the address of its area. */
export function useStep<K extends string>(keys: readonly [K, ...K[]], area: string, made: boolean) {
  const navigate = useNavigate();
  const [search, setSearch] = useSearchParams();
  const at = Math.max(0, made ? keys.indexOf(search.get('step') as K) : 0);
  const show = (id: string, step: K) => {
    if (made) setSearch((old) => new URLSearchParams([...[...old].filter(([k]) => k !== 'step'), ['step', step]]));
    else navigate(`${area}/${id}/edit?step=${step}`, { replace: true });
    window.scrollTo({ top: 0 });
  };
  return { at, key: keys[at] ?? keys[0], show };
}

/** StepBar shows the steps; those behind the first wait until there is a draft. A phone has
 * room for the name of one. */
export function StepBar({
  steps,
  at,
  made,
  go,
}: {
  steps: readonly { key: string; title: string }[];
  at: number;
  made: boolean;
  go: (to: number) => void;
}) {
  const narrow = useNarrow();
  return (
    <Steps
      size="small"
      responsive={false}
      current={at}
      style={{ marginBottom: 24 }}
      onChange={go}
      items={steps.map(({ key, title }, i) => ({
        key,
        title: narrow && i !== at ? '' : title,
        disabled: !made && i > 0,
      }))}
    />
  );
}

/** StepButtons stand below the fields of a step: back, and on by submitting its form. */
export function StepButtons({ at, busy, next, back }: { at: number; busy: boolean; next: string; back: () => void }) {
  const { t } = useTranslation('app');
  return (
    <div className="page-actions" style={{ marginTop: 16 }}>
      {at > 0 ? (
        <Button disabled={busy} onClick={back}>
          {t('form.back')}
        </Button>
      ) : null}
      <Button type="primary" htmlType="submit" loading={busy}>
        {next}
      </Button>
    </div>
  );
}

/** Restored says that what was typed last time and not stored is in the form again. */
export function Restored({ title, drop, onDrop }: { title: string; drop: string; onDrop: () => void }) {
  return (
    <Alert
      type="warning"
      showIcon
      style={{ marginBottom: 16 }}
      title={title}
      action={
        <Button size="small" onClick={onDrop}>
          {drop}
        </Button>
      }
    />
  );
}
