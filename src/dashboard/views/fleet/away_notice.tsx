/** Errors and the last report of a machine that only the cloud can be asked about. @module */
import type { VNode } from "preact";
import { cloudError, heardMs, link, machineStatus, nowMs } from "../../live/state.ts";
import { relative } from "../../model/format.ts";
import { isRefusal } from "../../source/source.ts";
import { Ago } from "../parts.tsx";

export function AwayNotice(): VNode | null {
  const error = cloudError.value;
  if (link.value !== "remote" && error) {
    return (
      <div class="notice bad">
        <p>
          <b role="alert">{isRefusal(error) ? error.message : "The cloud does not answer"}.</b>{" "}
          {isRefusal(error) && error.detail}{" "}
          {heardMs.value !== null && `It last did ${relative(heardMs.value, nowMs.value)}.`}{" "}
          This page goes on trying.
        </p>
      </div>
    );
  }
  const known = machineStatus.value;
  if (!known?.report) return null;
  const { last_error } = known.report;
  return (
    <>
      {last_error !== null && (
        <div class="notice bad">
          <p>
            <b>The machine reports an error:</b> {last_error}
          </p>
        </div>
      )}
      <p class="quiet" role="status">
        The machine reported <Ago at={known.last_seen} />.
      </p>
    </>
  );
}
