import type { FaultyFile } from "../fault.ts";

export const API_FAULTS: readonly FaultyFile[] = [
  {
    file: "api/security/security.ts",
    faults: [
      [
        "the token may stand anywhere in the header",
        "/^bearer +(\\S+) *$/i",
        "/bearer +(\\S+) */i",
      ],
      [
        "a page of another origin may write by the cookie",
        "if (!isRead(request.method) && !visitor.ownOrigin) return false;",
        "",
      ],
      ["a write needs no token", "if (!isRead(request.method)) return true;", ""],
      ["any name is ours", "const ours = this.#names.has(name) || (", "const ours = true || ("],
      ["a proxy is this machine", `!headers.has("x-forwarded-for") &&`, ""],
      [
        "a page without Origin may be of another site",
        `site !== null && site !== "same-origin"`,
        `site === "same-site" && site !== null`,
      ],
      ["every origin may call", "if (this.#allowedOrigins.has(origin)) return", "return"],
    ],
  },
  {
    file: "api/body.ts",
    faults: [
      [
        "a body of exactly the limit is refused by its length",
        "if (Number(length) > limit) throw tooLarge(limit);",
        "if (Number(length) >= limit) throw tooLarge(limit);",
      ],
      [
        "a body of exactly the limit is refused by its chunks",
        "if (size > limit) throw tooLarge(limit);",
        "if (size >= limit) throw tooLarge(limit);",
      ],
      ["chunks are not counted", "if (size > limit) throw tooLarge(limit);", ""],
      [
        "what is no UTF-8 is replaced",
        `if (!text.includes("\\ufffd")) return text;`,
        "return text;",
      ],
    ],
  },
  {
    file: "api/listen.ts",
    faults: [
      ["connections of callers that do not read stay", "void this.#replace();", "{}"],
      ["what is in progress is not waited for", "if (this.#answering === 0) break;", "break;"],
      ["the port is not listened on again", "server = await this.#start())", "server = undefined)"],
      ["its connections stay when it ended by itself", "server.closeConnections();", ""],
    ],
  },
  {
    file: "api/security/cookie.ts",
    tests: ["api/security/security_test.ts"],
    faults: [
      [
        "secrets of different lengths are the same",
        "let different = given.length ^ secret.length;",
        "let different = 0;",
      ],
      ["scripts may read the cookie", "; HttpOnly", ""],
      ["other sites send the cookie", "; SameSite=Strict", ""],
    ],
  },
  {
    file: "api/security/token.ts",
    faults: [
      ["others may read the token", "(mode & 0o077) !== 0", "(mode & 0o077) > 0o777"],
    ],
  },
];
