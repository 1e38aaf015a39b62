// The server answers a fault as {"error":{code,message,request_id,detail?}}; its message
// is zh-CN and says what to do. Other languages translate by code.
import i18n from '@/i18n';
import { ofServer, original } from '@/i18n/server';

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string;
  readonly detail: Record<string, unknown>;

  constructor(status: number, code: string, message: string, requestId = '', detail: Record<string, unknown> = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.detail = detail;
  }

  /** The input field that is wrong, "" when the fault names none. */
  get field(): string {
    return typeof this.detail.field === 'string' ? this.detail.field : '';
  }
}

/** faultOf reads an answer that is not a success; one that is no fault of ours (a proxy's
 * page, an empty body) becomes a fault that says so. */
export function faultOf(status: number, body: unknown, requestId = ''): ApiError {
  const e = (body as { error?: Record<string, unknown> } | null)?.error;
  if (e && typeof e.code === 'string' && typeof e.message === 'string') {
    return new ApiError(
      status,
      e.code,
      e.message,
      typeof e.request_id === 'string' ? e.request_id : requestId,
      (e.detail as Record<string, unknown>) ?? {},
    );
  }
  // 414 and 431: an address with more in it than servers take, such as a rule with thousands of values.
  const code = status === 414 || status === 431 ? 'too_long' : 'bad_answer';
  return new ApiError(status, code, '', requestId, { status });
}

/** errorText is what a person reads. Chinese comes from the server; English is looked up by
 * code (i18n/faults.json). A text that ends in a colon has the server's words after it, as
 * they name what is wrong; a code without English is told in them, and says so. */
export function errorText(error: unknown): string {
  if (!(error instanceof ApiError)) {
    return i18n.t('errors.unexpected', { ns: 'app' });
  }
  const own = `errors.${error.code}`; // the panel's own faults, such as a broken line
  const foreign = i18n.language !== 'zh-CN';
  if (i18n.exists(own, { ns: 'app', lng: i18n.language, fallbackLng: [] }) && (foreign || error.message === '')) {
    return i18n.t(own, { ns: 'app', ...error.detail });
  }
  if (error.message === '') return i18n.t('errors.unexpected', { ns: 'app' });
  const text = ofServer('faults', error.code, error.message);
  if (text === undefined) return original(error.message);
  return foreign && text.endsWith(':') ? `${text} ${error.message}` : text;
}
