/**
 * The command line as stricli sees it: which commands there are, and how their mistakes are told. The configuration's
 * flags are not in it (see flags.ts).
 * @module
 */
import {
  type Application,
  type ApplicationText,
  ArgumentScannerError,
  buildApplication,
  buildRouteMap,
  formatMessageForArgumentScannerError,
  text_en,
} from "@stricli/core";
import { version } from "../core/mod.ts";
import { commands } from "./commands/mod.ts";
import type { Context } from "./context.ts";
import { exitCodeOf, messageOf } from "./exit.ts";
import { nearestFlag } from "./flags.ts";

const HELP = "See clockblock --help";

export const application: Application<Context> = buildApplication(
  buildRouteMap({
    routes: commands,
    docs: {
      brief: "Records what happens on this machine, serves it locally and syncs it when it can.",
    },
  }),
  {
    name: "clockblock",
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    documentation: { caseStyle: "convert-camel-to-kebab", onlyRequiredInUsageLine: true },
    localization: { text: text() },
    determineExitCode: exitCodeOf,
  },
);

type FlawFormatter = Parameters<typeof formatMessageForArgumentScannerError>[1];

/** Mistakes in one line each, as everywhere else. */
function text(): ApplicationText {
  const flaws: FlawFormatter = {
    FlagNotFoundError: ({ input, corrections }) =>
      `Unknown flag --${input}${
        didYouMean(nearestFlag(`--${input}`, corrections.map((name) => `--${name}`)))
      }`,
    AliasNotFoundError: ({ input }) => `Unknown flag -${input}. ${HELP}`,
    UnexpectedPositionalError: ({ input }) => `Unexpected argument ${input}. ${HELP}`,
    UnsatisfiedPositionalError: ({ placeholder }) => `Missing argument <${placeholder}>. ${HELP}`,
    EnumValidationError: ({ externalFlagName, input, values }) =>
      `Cannot use --${externalFlagName} ${input}: expected one of ${values.join(", ")}`,
    UnsatisfiedFlagError: ({ externalFlagName }) => `Missing flag --${externalFlagName}. ${HELP}`,
    ArgumentParseError: ({ externalFlagNameOrPlaceholder, exception }) =>
      `Cannot use ${externalFlagNameOrPlaceholder}: ${messageOf(exception)}`,
  };
  return {
    ...text_en,
    noCommandRegisteredForInput: ({ input, corrections }) =>
      `Unknown command ${input}${didYouMean(corrections[0]?.replaceAll("`", ""))}`,
    exceptionWhileParsingArguments: (error) =>
      error instanceof ArgumentScannerError
        ? formatMessageForArgumentScannerError(error, flaws)
        : messageOf(error),
    exceptionWhileLoadingCommandFunction: messageOf,
    exceptionWhileLoadingCommandContext: messageOf,
    exceptionWhileRunningCommand: messageOf,
    commandErrorResult: messageOf,
  };
}

function didYouMean(near: string | undefined): string {
  return near ? `. Did you mean ${near}?` : `. ${HELP}`;
}
