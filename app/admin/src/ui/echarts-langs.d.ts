type Locale = Parameters<typeof import('echarts/core')['registerLocale']>[1];

declare module 'echarts/lib/i18n/langZH.js' {
  const locale: Locale;
  export default locale;
}
declare module 'echarts/lib/i18n/langEN.js' {
  const locale: Locale;
  export default locale;
}
