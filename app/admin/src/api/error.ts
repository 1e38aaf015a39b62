// The server answers a fault as {"error":{code,message,request_id,detail?}}; its message
// is zh-CN and says what to do. Other languages translate by code.
import i18n from '@/i18n';

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
  return new ApiError(status, 'bad_answer', '', requestId, { status });
}

/** errorText is what a person reads. Chinese comes from the server; another language is
 * looked up by code and falls back to the server's words. */
export function errorText(error: unknown): string {
  if (!(error instanceof ApiError)) {
    return i18n.t('errors.unexpected', { ns: 'app' });
  }
  const key = `errors.${error.code}`;
  const known = i18n.exists(key, { ns: 'app', lng: i18n.language, fallbackLng: [] });
  if (known && (i18n.language !== 'zh-CN' || error.message === '')) {
    return i18n.t(key, { ns: 'app', ...error.detail });
  }
  return error.message || i18n.t('errors.unexpected', { ns: 'app' });
}
