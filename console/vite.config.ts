import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** `npx vite console` serves the sources with hot reload, beside an API that was started with `npm start`. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    // Fonts and pictures as files of their own: data: URLs are not in our Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // The service looks whether its own page asks: it has to hear the name that the browser has.
  server: { port: 5173, proxy: { '/v1': { target: 'http://127.0.0.1:8080', changeOrigin: false } } },
})
