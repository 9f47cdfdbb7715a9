/**
 * Sign-in as GoTrue does it (`/auth/v1`): sessions with refresh tokens that are used once, and its error bodies.
 * @module
 */
import { decoded, signed } from "./jwt.ts";

export interface CloudUser {
  id: string;
  email: string;
  password: string;
}

interface RefreshToken {
  user: CloudUser;
  session: string;
  /** When it was exchanged for another; 0 for a session that was ended. */
  revokedAt?: number;
}

/** How long a used refresh token still gives a session, for clients that did not get the answer. */
const REUSE_MS = 10_000;
const CREATED_AT = "2026-01-01T00:00:00Z";

export class SignInServer {
  /** How long an access token lives. */
  tokenSec = 3_600;
  readonly #users: readonly CloudUser[];
  readonly #now: () => number;
  readonly #refreshTokens = new Map<string, RefreshToken>();

  /** @param options `now`: the server's clock, in milliseconds */
  constructor({ users, now }: { users: readonly CloudUser[]; now: () => number }) {
    this.#users = users;
    this.#now = now;
  }

  /** Who has signed in must do so again, once the access token has run out. */
  forgetSessions(): void {
    for (const token of this.#refreshTokens.values()) token.revokedAt = 0;
  }

  async serve(request: Request, url: URL): Promise<Response> {
    const bearer = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    switch (`${request.method} ${url.pathname.slice("/auth/v1/".length)}`) {
      case "GET health":
        return json(200, { version: "v2.177.0", name: "GoTrue" });
      case "GET user":
        return await this.#user(request, bearer);
      case "POST logout":
        return await this.#signOut(request, bearer);
      case "POST token":
        return await this.#token(request, url.searchParams.get("grant_type"));
      default:
        return json(404, { code: 404, error_code: "not_found", msg: "404 page not found" });
    }
  }

  async #user(request: Request, bearer: string): Promise<Response> {
    const claims = await this.#claims(bearer);
    const user = this.#users.find(({ id }) => id === claims?.sub);
    return user ? json(200, userOf(user)) : refusal(request, 403, "bad_jwt", "invalid JWT");
  }

  async #signOut(request: Request, bearer: string): Promise<Response> {
    const claims = await this.#claims(bearer);
    if (!claims) return refusal(request, 403, "bad_jwt", "invalid JWT");
    for (const [token, { session }] of this.#refreshTokens) {
      if (session === claims.session_id) this.#refreshTokens.delete(token);
    }
    return new Response(null, { status: 204 });
  }

  async #claims(bearer: string) {
    const claims = await decoded(bearer);
    return claims && claims.exp * 1_000 > this.#now() ? claims : null;
  }

  async #token(request: Request, grant: string | null): Promise<Response> {
    const body = await request.json() as Record<string, string>;
    if (grant === "password") {
      const user = this.#users.find(({ email }) => email === body.email);
      if (user?.password === body.password) return await this.#session(user!, crypto.randomUUID());
      return refusal(request, 400, "invalid_credentials", "Invalid login credentials");
    }
    if (grant !== "refresh_token") {
      return refusal(request, 400, "invalid_request", "unsupported_grant_type");
    }
    const token = this.#refreshTokens.get(body.refresh_token ?? "");
    if (!token) {
      const message = "Invalid Refresh Token: Refresh Token Not Found";
      return refusal(request, 400, "refresh_token_not_found", message);
    }
    if (token.revokedAt !== undefined && Date.now() - token.revokedAt > REUSE_MS) {
      this.#revoke(token.session);
      const message = "Invalid Refresh Token: Already Used";
      return refusal(request, 400, "refresh_token_already_used", message);
    }
    token.revokedAt ??= Date.now();
    return await this.#session(token.user, token.session);
  }

  /** A stolen token may be in use: the whole session ends. */
  #revoke(session: string): void {
    for (const each of this.#refreshTokens.values()) {
      if (each.session === session) each.revokedAt = 0;
    }
  }

  async #session(user: CloudUser, session_id: string): Promise<Response> {
    const iat = Math.floor(this.#now() / 1_000);
    const exp = iat + this.tokenSec;
    const refresh_token = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
    this.#refreshTokens.set(refresh_token, { user, session: session_id });
    const claims = {
      aud: "authenticated",
      exp,
      iat,
      sub: user.id,
      email: user.email,
      phone: "",
      role: "authenticated",
      aal: "aal1",
      amr: [{ method: "password", timestamp: iat }],
      session_id,
      is_anonymous: false,
    };
    return json(200, {
      access_token: await signed(claims),
      token_type: "bearer",
      expires_in: this.tokenSec,
      expires_at: exp,
      refresh_token,
      user: userOf(user),
    });
  }
}

/** GoTrue's error body, in the form that the client asks for by its version of the API. */
function refusal(request: Request, status: number, code: string, message: string): Response {
  const body = request.headers.has("x-supabase-api-version")
    ? { code, message }
    : { code: status, error_code: code, msg: message };
  return json(status, body, { "x-sb-error-code": code });
}

function userOf({ id, email }: CloudUser): object {
  return {
    id,
    aud: "authenticated",
    role: "authenticated",
    email,
    email_confirmed_at: CREATED_AT,
    phone: "",
    app_metadata: { provider: "email", providers: ["email"] },
    user_metadata: {},
    identities: [],
    created_at: CREATED_AT,
    updated_at: CREATED_AT,
    is_anonymous: false,
  };
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers });
}
