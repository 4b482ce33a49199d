/** Two applications behind one page: the console, and the small one behind a pass's link, which loads nothing of the console. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

async function start(root: HTMLElement): Promise<void> {
  if (location.pathname === "/pass") {
    const { PassPage } = await import("./pass/PassPage");
    createRoot(root).render(<StrictMode><PassPage /></StrictMode>);
    return;
  }
  const { App } = await import("./App");
  createRoot(root).render(<StrictMode><App /></StrictMode>);
}

const root = document.getElementById("root");
if (root) void start(root);
