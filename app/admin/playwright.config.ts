import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'e2e',
  testMatch: '*.spec.ts',
  globalSetup: './e2e/setup.ts',
  workers: 3, // a spec waits half of its time, for queues and clocks: two cores are enough
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 20_000 }, // a machine with two slow cores is no fault of the page
  reporter: 'list',
  outputDir: 'test-results',
  use: {
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    viewport: { width: 1280, height: 800 },
    screenshot: 'only-on-failure',
    // Recording slows every page down: scripts/panel check --trace retain-on-failure NAME, where one is wanted.
    trace: 'off',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
    },
  },
});
