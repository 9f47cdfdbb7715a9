/** A host of static files, as anyone has it: a folder, and 404 for the rest. @module */

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  png: "image/png",
  webmanifest: "application/manifest+json",
};

export interface StaticHost extends AsyncDisposable {
  /** Of the folder: the files are not at the root. */
  readonly url: string;
  /** Paths that were asked for, without their query. */
  readonly asked: string[];
}

export function startStaticHost(folder: string): StaticHost {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    const name = /^\/page\/([\w.-]*)$/.exec(pathname)?.[1];
    const file = name === "" ? "index.html" : name;
    const content = file === undefined
      ? undefined
      : await Deno.readFile(`${folder}/${file}`).catch(() => undefined);
    if (!content) return new Response("Not found", { status: 404 });
    return new Response(content, {
      headers: { "content-type": TYPES[file!.split(".").at(-1)!] ?? "application/octet-stream" },
    });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/page/`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
