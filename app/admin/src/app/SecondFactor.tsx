import { Alert, App, Button, Form, Input, Modal, QRCode } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, errorText, useGet, useWrite } from '@/api';
import { Copy, halfWidth, Section } from '@/ui';
import { useMe } from './session';

type Step =
  | { at: 'password' }
  | { at: 'scan'; secret: string; url: string }
  | { at: 'recovery'; codes: string[] }
  | { at: 'stop' };
type State = { on: boolean; recovery_left: number };

/** SecondFactor turns the operator's own second factor on and off. */
export function SecondFactor() {
  const { t } = useTranslation('app');
  const { message } = App.useApp();
  const { reload } = useMe();
  const { data } = useGet('/me/totp');
  const [step, setStep] = useState<Step | null>(null);
  const state = data as State | undefined;
  const begin = useWrite('post', '/me/totp', { quiet: true });
  const confirm = useWrite('post', '/me/totp/confirm', { quiet: true, invalidate: ['/me/totp', '/me/sessions'] });
  const stop = useWrite('post', '/me/totp/stop', { quiet: true, invalidate: ['/me/totp'] });
  const fault = begin.error ?? confirm.error ?? stop.error;
  const close = () => {
    for (const w of [begin, confirm, stop]) w.reset();
    setStep(null);
    reload();
  };
  const next = async (v: { password?: string; code?: string }) => {
    for (const w of [begin, confirm, stop]) w.reset();
    try {
      if (step?.at === 'password') {
        const got = (await begin.mutateAsync({ body: { password: v.password, code: '' } as never })) as unknown as {
          secret: string;
          url: string;
        };
        setStep({ at: 'scan', ...got });
      } else if (step?.at === 'scan') {
        const got = (await confirm.mutateAsync({
          body: { password: '', code: halfWidth(v.code ?? '') } as never,
        })) as unknown as {
          recovery: string[];
        };
        setStep({ at: 'recovery', codes: got.recovery });
      } else if (step?.at === 'stop') {
        await stop.mutateAsync({ body: { password: v.password, code: halfWidth(v.code ?? '') } as never });
        message.success(t('account.totp.stopped'));
        close();
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  };
  return (
    <Section
      title={t('account.totp.title')}
      extra={
        state?.on ? (
          <Button onClick={() => setStep({ at: 'stop' })}>{t('account.totp.stop')}</Button>
        ) : (
          <Button type="primary" onClick={() => setStep({ at: 'password' })}>
            {t('account.totp.start')}
          </Button>
        )
      }
    >
      {state?.on ? t('account.totp.on', { left: state.recovery_left }) : t('account.totp.off')}
      <Modal
        open={step !== null}
        onCancel={close}
        footer={null}
        destroyOnHidden
        title={t(step?.at === 'recovery' ? 'account.totp.recovery' : 'account.totp.title')}
        mask={{ closable: false }}
      >
        {fault ? (
          <Alert type="error" showIcon role="alert" title={errorText(fault)} style={{ marginBottom: 12 }} />
        ) : null}
        {step?.at === 'recovery' ? (
          <>
            <Alert type="warning" showIcon title={t('account.totp.recoveryText')} />
            <pre style={{ fontSize: 16, lineHeight: 1.8, columns: 2, margin: '16px 0' }}>{step.codes.join('\n')}</pre>
            <div style={{ display: 'flex', justifyContent: 'space-between' }}>
              <Copy text={step.codes.join('\n')} shown="" />
              <Button type="primary" onClick={close}>
                {t('account.totp.saved')}
              </Button>
            </div>
          </>
        ) : (
          <Form key={step?.at} name="second-factor" layout="vertical" onFinish={next} requiredMark={false}>
            {step?.at === 'scan' ? (
              <>
                <p>{t('account.totp.scan')}</p>
                <QRCode value={step.url} type="svg" size={180} aria-label={t('account.totp.picture')} />
                <p className="muted">
                  {t('account.totp.manual')} <Copy text={step.secret} />
                </p>
              </>
            ) : (
              <Form.Item
                name="password"
                label={t('account.totp.password')}
                extra={t('account.totp.askPassword')}
                rules={[{ required: true, message: t('account.password.needed') }]}
              >
                <Input.Password autoComplete="current-password" autoFocus />
              </Form.Item>
            )}
            {step?.at === 'scan' || step?.at === 'stop' ? (
              <Form.Item
                name="code"
                label={t('account.totp.code')}
                rules={[{ required: true, message: t('login.codeNeeded') }]}
              >
                <Input autoComplete="one-time-code" inputMode="numeric" maxLength={20} />
              </Form.Item>
            ) : null}
            <Button type="primary" htmlType="submit" loading={begin.isPending || confirm.isPending || stop.isPending}>
              {t(
                step?.at === 'scan'
                  ? 'account.totp.confirm'
                  : step?.at === 'stop'
                    ? 'account.totp.stop'
                    : 'account.totp.next',
              )}
            </Button>
          </Form>
        )}
      </Modal>
    </Section>
  );
}
