/**
 * The session on disk: `auth.json` beside the database, AES-256-GCM, and the key in `auth.key`, which only its owner may
 * read. A copy of one file is worthless; only this user can read both.
 *
 * Windows has no modes: there a file inherits the access list of its folder, which in a user's profile is that user, the
 * system and administrators, who could read it in any case. `icacls` could narrow it in a folder that others may read,
 * but permission to run it covers the rights of any file of this user, more than the agent needs, and a half-written
 * list locks its owner out. Such a folder is the wrong place for the database as well.
 * @module
 */
import { logger } from "../../core/mod.ts";

/** What supabase-js keeps its session in. */
export interface TokenStore {
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
}

export interface TokenFiles {
  /** The encrypted session. */
  sessionPath: string;
  /** The key, 32 bytes as base64. */
  keyPath: string;
}

interface Sealed {
  iv: string;
  data: string;
}

const KEY_BYTES = 32;
const IV_BYTES = 12;

/** A store of one session. A damaged file counts as none: a person signs in again. */
export function encryptedTokenStore({ sessionPath, keyPath }: TokenFiles): TokenStore {
  /** One at a time: two at once would write the same temporary file, or make two keys. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work);
    last = turn.catch(() => {});
    return turn;
  };
  return {
    getItem: (name) =>
      inTurn(async () => {
        const text = await readIfThere(sessionPath);
        if (text === undefined) return null;
        try {
          const key = await importKey(await readIfThere(keyPath) ?? "");
          const { iv, data } = JSON.parse(text) as Sealed;
          const algorithm = { name: "AES-GCM", iv: bytes(iv), additionalData: utf8(name) };
          return new TextDecoder().decode(await crypto.subtle.decrypt(algorithm, key, bytes(data)));
        } catch {
          logger("supabase").warn(
            "Cannot read {path}: it is damaged or its key is another. Sign in again.",
            { path: sessionPath },
          );
          return null;
        }
      }),
    setItem: (name, value) =>
      inTurn(async () => {
        const key = await importKey(await loadKey(keyPath));
        const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
        const algorithm = { name: "AES-GCM", iv, additionalData: utf8(name) };
        const data = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, utf8(value)));
        await writeOwnerOnly(
          sessionPath,
          JSON.stringify({ iv: iv.toBase64(), data: data.toBase64() }),
        );
      }),
    removeItem: () => inTurn(() => removeIfThere(sessionPath)),
  };
}

/** A store in memory: for one run with a key alone, and for tests. */
export function memoryTokenStore(): TokenStore {
  const items = new Map<string, string>();
  return {
    getItem: (key) => Promise.resolve(items.get(key) ?? null),
    setItem: (key, value) => Promise.resolve(void items.set(key, value)),
    removeItem: (key) => Promise.resolve(void items.delete(key)),
  };
}

async function loadKey(path: string): Promise<string> {
  const kept = await readIfThere(path);
  if (kept !== undefined && isKey(kept)) return kept;
  const made = crypto.getRandomValues(new Uint8Array(KEY_BYTES)).toBase64();
  await writeOwnerOnly(path, made);
  return made;
}

function isKey(text: string): boolean {
  try {
    return bytes(text).length === KEY_BYTES;
  } catch {
    return false;
  }
}

function importKey(text: string): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes(text), "AES-GCM", false, ["encrypt", "decrypt"]);
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(base64.trim());
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Writes a temporary file and renames it: a crash leaves the old session or the new one, never half of one. */
async function writeOwnerOnly(path: string, text: string): Promise<void> {
  const aside = `${path}.new`;
  await Deno.writeTextFile(aside, text, { mode: 0o600 });
  if (Deno.build.os !== "windows") await Deno.chmod(aside, 0o600);
  await Deno.rename(aside, path);
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
