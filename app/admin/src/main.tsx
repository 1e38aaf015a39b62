import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App as AntApp, ConfigProvider } from 'antd';
import en from 'antd/locale/en_US';
import zh from 'antd/locale/zh_CN';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { useTranslation } from 'react-i18next';
import { RouterProvider } from 'react-router';
import { ApiError } from '@/api';
import { router } from '@/app/router';
import { theme } from '@/app/theme';
import i18n, { keptLanguage, setLanguage } from '@/i18n';
import './main.css';

// A new release has other names for its files: a tab that is open asks for one that is
// gone. Once, it loads itself anew; a file that is then still missing is a real fault.
const reloaded = 'siyu.reloaded';
window.addEventListener('vite:preloadError', (event) => {
  if (Date.now() - Number(sessionStorage.getItem(reloaded) ?? 0) < 60_000) return;
  sessionStorage.setItem(reloaded, String(Date.now()));
  event.preventDefault();
  window.location.reload();
});

const client = new QueryClient({
  defaultOptions: {
    // Nothing waits for a line that the browser believes to be gone: it often errs in an
    // office network, and an approval that was clicked is not sent when nobody looks any more.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      staleTime: 10_000,
      refetchOnWindowFocus: true,
      // What the server decided is not asked again; a broken line is.
      retry: (times, error) => times < 2 && !(error instanceof ApiError && error.status > 0 && error.status < 500),
    },
  },
});

function Root() {
  const { i18n } = useTranslation();
  return (
    <ConfigProvider
      locale={i18n.language === 'en' ? en : zh}
      theme={theme}
      button={{ autoInsertSpace: false }}
      form={{ scrollToFirstError: true }}
    >
      <AntApp message={{ maxCount: 3 }}>
        <RouterProvider router={router} />
      </AntApp>
    </ConfigProvider>
  );
}

const root = document.getElementById('root');
if (root) {
  void setLanguage(keptLanguage()).then(() => {
    // Some answers are sentences: they are asked for again in the other language.
    i18n.on('languageChanged', () => void client.invalidateQueries());
    createRoot(root).render(
      <StrictMode>
        <QueryClientProvider client={client}>
          <Root />
        </QueryClientProvider>
      </StrictMode>,
    );
  });
}
