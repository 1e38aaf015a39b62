// Texts: zh-CN is complete and comes first; en is loaded when somebody switches to it.
// Each area brings a name space of its own (src/areas/<area>/<language>.json); the shell
// and the wrappers use "app".
import dayjs from 'dayjs';
import 'dayjs/locale/zh-cn';
import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';
import zh from './zh-CN.json';

export const languages = ['zh-CN', 'en'] as const;
export type Language = (typeof languages)[number];

type Texts = Record<string, unknown>;
const chinese = import.meta.glob<Texts>('../areas/*/zh-CN.json', { eager: true, import: 'default' });
const english = import.meta.glob<Texts>(['../areas/*/en.json', './en.json'], { import: 'default' });

const kept = 'siyu.language';

function areaOf(path: string): string {
  return /areas\/([^/]+)\//.exec(path)?.[1] ?? 'app';
}

void i18n.use(initReactI18next).init({
  lng: 'zh-CN',
  fallbackLng: 'zh-CN',
  defaultNS: 'app',
  resources: {
    'zh-CN': { app: zh, ...Object.fromEntries(Object.entries(chinese).map(([path, texts]) => [areaOf(path), texts])) },
  },
  interpolation: { escapeValue: false }, // React escapes
  returnNull: false,
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
