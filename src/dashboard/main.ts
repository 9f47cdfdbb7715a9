/**
 * The page's entry, run by the browser: what `/status` says, as a list, kept up to date.
 * @module
 */

const REFRESH_MS = 5_000;

async function refresh(): Promise<void> {
  const main = document.querySelector("#app")!;
  try {
    const response = await fetch("/status");
    const status: Record<string, unknown> = await response.json();
    main.replaceChildren(list(status));
  } catch {
    main.replaceChildren("The agent does not answer.");
  }
  setTimeout(refresh, REFRESH_MS);
}

function list(values: Readonly<Record<string, unknown>>): HTMLElement {
  const dl = document.createElement("dl");
  for (const [name, value] of Object.entries(values)) {
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    dt.textContent = name;
    dd.textContent = typeof value === "string" ? value : JSON.stringify(value);
    dl.append(dt, dd);
  }
  return dl;
}

void refresh();
