/** The configuration cannot be used. All errors are reported together, one per line. @module */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  /** @param problems one line each: what was attempted, what is wrong, what is allowed; never a secret */
  constructor(readonly problems: readonly string[], options: { cause?: unknown } = {}) {
    super(problems.join("\n"), options);
  }
}
