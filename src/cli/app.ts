/** The stricli application: the commands and the messages of usage errors. @module */
import {
  AliasNotFoundError,
  type Application,
  type ApplicationText,
  ArgumentParseError,
  buildApplication,
  buildRouteMap,
  EnumValidationError,
  FlagNotFoundError,
  text_en,
  UnexpectedPositionalError,
  UnsatisfiedFlagError,
  UnsatisfiedPositionalError,
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

/** One line for each error. */
function text(): ApplicationText {
  return {
    ...text_en,
    noCommandRegisteredForInput: ({ input, corrections }) =>
      `Unknown command ${input}${didYouMean(corrections[0]?.replaceAll("`", ""))}`,
    exceptionWhileParsingArguments: describeFlaw,
    exceptionWhileLoadingCommandFunction: messageOf,
    exceptionWhileLoadingCommandContext: messageOf,
    exceptionWhileRunningCommand: messageOf,
    commandErrorResult: messageOf,
  };
}

/** By class: stricli goes by class names, which the minified executable does not keep. */
function describeFlaw(flaw: unknown): string {
  if (flaw instanceof FlagNotFoundError) {
    const own = flaw.corrections.map((name) => `--${name}`);
    return `Unknown flag --${flaw.input}${didYouMean(nearestFlag(`--${flaw.input}`, own))}`;
  }
  if (flaw instanceof AliasNotFoundError) return `Unknown flag -${flaw.input}. ${HELP}`;
  if (flaw instanceof UnexpectedPositionalError) {
    return `Unexpected argument ${flaw.input}. ${HELP}`;
  }
  if (flaw instanceof UnsatisfiedPositionalError) {
    return `Missing argument <${flaw.placeholder}>. ${HELP}`;
  }
  if (flaw instanceof UnsatisfiedFlagError) {
    return `Cannot use --${flaw.externalFlagName}: it needs a value`;
  }
  if (flaw instanceof EnumValidationError) {
    const { externalFlagName, input, values } = flaw;
    return `Cannot use --${externalFlagName} ${input}: expected one of ${values.join(", ")}`;
  }
  if (flaw instanceof ArgumentParseError) {
    return `Cannot use --${flaw.externalFlagNameOrPlaceholder}: ${messageOf(flaw.exception)}`;
  }
  return messageOf(flaw);
}

function didYouMean(near: string | undefined): string {
  return near ? `. Did you mean ${near}?` : `. ${HELP}`;
}
