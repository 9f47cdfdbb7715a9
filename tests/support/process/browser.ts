/**
 * A real browser: Chromium or Chrome, where its system puts it. A page remembers everything that went wrong in it.
 * @module
 */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** Where it is; undefined where there is none. */
export const CHROMIUM: string | undefined = [
  "/usr/bin/chromium",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
].find(exists);

/** Whether there is a browser to test in: the tests that need one are ignored without it. */
export const hasBrowser: boolean = CHROMIUM !== undefined;

export interface TestBrowser extends AsyncDisposable {
  readonly browser: Browser;
  /** Opens a page of its own kind; what went wrong in it comes into `faults`. */
  open(url: string, options?: OpenOptions): Promise<OpenPage>;
}

export interface OpenOptions extends BrowserContextOptions {
  /** Runs in the page before anything of its own. */
  before?: string;
}

export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Console errors, uncaught errors and violations of the page's policy. */
  readonly faults: string[];
}

export async function startBrowser(): Promise<TestBrowser> {
  if (CHROMIUM === undefined) throw new Error("There is no Chromium and no Chrome here");
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
  return {
    browser,
    async open(url, { before = "", ...options } = {}) {
      const context = await browser.newContext({
        viewport: { width: 1200, height: 900 },
        locale: "en-GB",
        timezoneId: "Europe/Berlin",
        ...options,
      });
      const page = await context.newPage();
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(`uncaught: ${error.message}`));
      page.on("console", (message) => {
        if (message.type() === "error") faults.push(message.text());
      });
      await page.addInitScript({
        content: `addEventListener("securitypolicyviolation", (event) =>
            console.error("policy: " + event.violatedDirective + " " + event.blockedURI));${before}`,
      });
      await page.goto(url);
      return { page, faults, [Symbol.asyncDispose]: () => context.close() };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
