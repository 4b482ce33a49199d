import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: { target: "chrome88", outDir: "dist", emptyOutDir: true, chunkSizeWarningLimit: 1500 },
  worker: { format: "es" },
  server: { proxy: { "/api": process.env["HUB_URL"] ?? "http://127.0.0.1:8080", "/signin": process.env["HUB_URL"] ?? "http://127.0.0.1:8080" } },
});
