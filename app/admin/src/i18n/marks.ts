// Punctuation between parts that pages put together themselves.
import i18n from '.';

const english = { '、': ', ', '，': ', ', '：': ': ', '；': '; ', '。': '. ', '（': ' (', '）': ')' } as const;

/** mark is a Chinese mark of punctuation in the panel's language, with its space in English. */
export function mark(chinese: keyof typeof english): string {
  return i18n.language === 'zh-CN' ? chinese : english[chinese];
}
