/**
 * The token that every write needs: made on the first run and kept in `api-token` beside the database, for its
 * owner only. On Windows there are no modes: the file has the folder's own access list, which in a user's
 * profile lets in that user and administrators.
 * @module
 */
import { logger } from "../../core/mod.ts";

const TOKEN = /^[\w-]{32,}$/;

/** The token in the file; a missing or damaged file is made again. */
export async function loadToken(path: string): Promise<string> {
  const kept = await read(path);
  if (kept !== undefined && TOKEN.test(kept)) {
    await ownerOnly(path);
    return kept;
  }
  const token = crypto.getRandomValues(new Uint8Array(32))
    .toBase64({ alphabet: "base64url", omitPadding: true });
  await write(path, token);
  if (kept !== undefined) {
    logger("api").warn(
      "The token in {path} was damaged and has been replaced: programs that use it need the new one.",
      { path },
    );
  }
  return token;
}

async function read(path: string): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Error(
      `Cannot read the API token: ${path} is not readable. Delete it or repair its access rights.`,
      {
        cause: error,
      },
    );
  }
}

/** Written aside and renamed, so that no reader sees half a token, nor others a readable one. */
async function write(path: string, token: string): Promise<void> {
  const aside = `${path}.new`;
  try {
    await Deno.writeTextFile(aside, `${token}\n`, { mode: 0o600 });
    await ownerOnly(aside);
    await Deno.rename(aside, path);
  } catch (error) {
    throw new Error(
      `Cannot keep the API token: ${path} is not writable. Repair the folder's access rights.`,
      {
        cause: error,
      },
    );
  }
}

async function ownerOnly(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  const { mode } = await Deno.stat(path);
  if (mode !== null && (mode & 0o077) !== 0) await Deno.chmod(path, 0o600);
}
