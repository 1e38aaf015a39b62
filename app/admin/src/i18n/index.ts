// Texts: zh-CN is complete and comes first; en is loaded when somebody switches to it.
// Each area brings a name space of its own (src/areas/<area>/<language>.json); the shell
// and the wrappers use "app". "faults", "health" and "said" are the server's words by code,
// "kept" those that have no code, all in English only (server.ts).
import dayjs from 'dayjs';
import 'dayjs/locale/zh-cn';
import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';
import { one } from './one';
import zh from './zh-CN.json';

export const languages = ['zh-CN', 'en'] as const;
export type Language = (typeof languages)[number];

type Texts = Record<string, unknown>;
const chinese = import.meta.glob<Texts>('../areas/*/zh-CN.json', { eager: true, import: 'default' });
const english = import.meta.glob<Texts>(
  ['../areas/*/en.json', './en.json', './faults.json', './health.json', './kept.json', './said.json'],
  {
    import: 'default',
  },
);

const kept = 'siyu.language';

function areaOf(path: string): string {
  return /areas\/([^/]+)\//.exec(path)?.[1] ?? /(faults|health|kept|said)\.json$/.exec(path)?.[1] ?? 'app';
}

void i18n
  .use(initReactI18next)
  .use({
    type: 'postProcessor',
    name: 'one',
    process: (text: string) => (i18n.language === 'en' ? one(text) : text),
  })
  .use({
    // A rounded number brings a word of its own into a Chinese sentence ("about", "fewer
    // than"), where a digit had a space before it.
    type: 'postProcessor',
    name: 'closer',
    process: (text: string) =>
      text.replace(/(?<=[\p{Script=Han}\uff1a\uff08\uff0c]) (?=(?:\u7ea6|\u5c11\u4e8e) \d)/gu, ''),
  })
  .init({
    lng: 'zh-CN',
    fallbackLng: 'zh-CN',
    defaultNS: 'app',
    resources: {
      'zh-CN': {
        app: zh,
        ...Object.fromEntries(Object.entries(chinese).map(([path, texts]) => [areaOf(path), texts])),
      },
    },
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
    postProcess: ['one', 'closer'],
  });

/** setLanguage switches the whole panel and remembers it on this machine. */
export async function setLanguage(language: Language): Promise<void> {
  if (language === 'en') {
    await Promise.all(
      Object.entries(english).map(async ([path, load]) =>
        i18n.addResourceBundle('en', areaOf(path), await load(), true, true),
      ),
    );
  }
  dayjs.locale(language === 'en' ? 'en' : 'zh-cn');
  document.documentElement.lang = language;
  await i18n.changeLanguage(language);
  localStorage.setItem(kept, language);
}

/** keptLanguage is what was chosen on this machine. */
export function keptLanguage(): Language {
  return localStorage.getItem(kept) === 'en' ? 'en' : 'zh-CN';
}

export default i18n;
