import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// Where `npm run dev` finds the program; one origin, so that its cookies work.
const backend = process.env.SIYU_ADMIN_BACKEND ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/admin/',
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    // A folder of its own: emptying it must not take dist/.gitignore along.
    outDir: 'dist/app',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 1200,
    reportCompressedSize: false,
  },
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(
      ['/admin/api', '/q', '/01', '/static', '/packets', '/g', '/p'].map((path) => [
        path === '/admin/api' ? path : `^${path}/`,
        { target: backend, changeOrigin: false },
      ]),
    ),
  },
  test: {
    environment: 'happy-dom',
    environmentOptions: { happyDOM: { url: 'http://panel.test/admin/' } },
    include: ['src/**/*.test.{ts,tsx}'],
  },
});
