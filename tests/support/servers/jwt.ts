/** Tokens as a Supabase project signs them (HS256). @module */

export interface Claims {
  /** Whose token it is; none with those of API keys. */
  sub?: string;
  role: string;
  /** Seconds since 1970. */
  exp: number;
  iat?: number;
  session_id?: string;
}

/** PostgREST takes none shorter than 32 characters. */
export const SECRET = "the secret of the project under test";
const hmac = { name: "HMAC", hash: "SHA-256" };

export async function signed(claims: Claims): Promise<string> {
  const head = `${toBase64Url(utf8('{"alg":"HS256","typ":"JWT"}'))}.${
    toBase64Url(utf8(JSON.stringify(claims)))
  }`;
  const signature = await crypto.subtle.sign(hmac, await hmacKey(), utf8(head));
  return `${head}.${toBase64Url(new Uint8Array(signature))}`;
}

/** The claims of a token that this project signed; null for any other. */
export async function decoded(token: string): Promise<Claims | null> {
  try {
    const [head, body, signature] = token.split(".") as [string, string, string];
    const bytes = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
    const good = await crypto.subtle.verify(hmac, await hmacKey(), bytes, utf8(`${head}.${body}`));
    return good ? claimsOf(token) : null;
  } catch {
    return null;
  }
}

/** What a token says, whoever signed it. */
export function claimsOf(token: string): Claims {
  const bytes = Uint8Array.fromBase64(token.split(".")[1]!, { alphabet: "base64url" });
  return JSON.parse(new TextDecoder().decode(bytes));
}

function hmacKey(): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", utf8(SECRET), hmac, false, ["sign", "verify"]);
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function toBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
