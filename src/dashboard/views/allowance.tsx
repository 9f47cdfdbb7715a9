/** The allowance of the day and the week: what is left, more time with undo, grants, games, alerts. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { notifies, permission, sounds, toggleNotifications, toggleSound } from "../live/alerts.ts";
import type { Grant } from "../../contract/allowance.ts";
import type { Known } from "../source/source.ts";
import { project } from "../live/cloud.ts";
import { useAction, useSource } from "../live/hooks.ts";
import { source } from "../live/source.ts";
import { zone } from "../live/state.ts";
import type { NewGrant } from "../source/source.ts";
import { allowanceText, clock, duration } from "../model/format.ts";
import { TextInput } from "./forms.tsx";
import { Card, Failed, Figure, Instead } from "./parts.tsx";

const MORE_MIN = [15, 30];
const UNDO_MS = 8_000;

export function AllowanceCard({ known: { today } }: { known: Known }): VNode | null {
  const answer = useSource((source, signal) => source.allowance({ signal }), {
    key: `${today.date}${Math.floor(today.minutes_used)}`,
    topics: ["allowance"],
    keep: "allowance",
  });
  const { value } = answer;
  const limited = today.limited_by !== null;
  if (!limited && !value?.games.length) return null;
  return (
    <Card title="Allowance" aside={project?.agent !== false && <Alerts />}>
      <Instead what="the allowance" answer={answer}>
        {value && limited && (
          <>
            <dl class="figures">
              <Left name="Today" limits={value.limited_by === "day"} {...value} />
              <Left name="This week" limits={value.limited_by === "week"} {...value.week} />
            </dl>
            <More grants={value.grants} reload={answer.reload} />
          </>
        )}
        {value && (
          <ul class="games" aria-label="Games today">
            {value.games.map(({ label, used_min, allowance_min, left_min }) => (
              <li key={label}>
                <b>{label}</b>
                {duration(used_min)}
                {left_min !== null && `, ${duration(left_min)} left of ${duration(allowance_min!)}`}
              </li>
            ))}
          </ul>
        )}
      </Instead>
    </Card>
  );
}

function Left({ name, limits, allowance_min, granted_min, used_min }: {
  name: string;
  /** Whether it leaves less than the other. */
  limits: boolean;
  allowance_min: number | null;
  granted_min: number;
  used_min: number;
}) {
  if (allowance_min === null) return null;
  const left = allowance_min + granted_min - used_min;
  const granted = granted_min === 0 ? "" : `, ${signed(granted_min)}`;
  return (
    <Figure
      name={limits ? `${name} (limits)` : name}
      note={`${allowanceText(allowance_min)}${granted}`}
    >
      {left < 0 ? `${duration(-left)} over` : `${duration(left < 1 ? left : Math.ceil(left))} left`}
    </Figure>
  );
}

/** More time for today, with a few seconds to take it back; afterwards the list of grants does. */
function More({ grants, reload }: { grants: readonly Grant[]; reload: () => void }) {
  const { busy, error, run } = useAction();
  const last = useSignal<Grant | null>(null);
  const reason = useSignal("");
  const madeBy = useSignal("");
  const made = last.value;
  useEffect(() => {
    const timer = setTimeout(() => void (last.value = null), UNDO_MS);
    return () => clearTimeout(timer);
  }, [made]);
  const send = (grant: NewGrant, undoable = false) =>
    run(async () => {
      const sent = await source.value.grant(grant);
      last.value = undoable ? sent : null;
      reload();
    });
  const undo = ({ id, extra_min }: Grant) => (
    <button
      type="button"
      disabled={busy}
      aria-label={`Undo ${signed(extra_min)}`}
      onClick={() => void send({ undoes: id })}
    >
      Undo
    </button>
  );
  return (
    <div class="grants">
      {MORE_MIN.map((extra_min) => (
        <button
          type="button"
          key={extra_min}
          disabled={busy}
          aria-label={`+${extra_min} minutes today`}
          onClick={() =>
            void send({
              extra_min,
              reason: reason.value || undefined,
              made_by: madeBy.value || undefined,
            }, true)}
        >
          +{extra_min}
        </button>
      ))}
      <p role="status">{made && <>{signed(made.extra_min)} for today {undo(made)}</>}</p>
      <details>
        <summary>Who, why, and grants of today</summary>
        <TextInput label="Who" text={madeBy} maxLength={200} />{" "}
        <TextInput label="Why" text={reason} maxLength={200} />
        <ul class="games">
          {grants.map((grant) => (
            <li key={grant.id}>
              <b>{signed(grant.extra_min)}</b>
              {grant.reason} {grant.made_by} {clock(Date.parse(grant.created_at), zone.value)}
              {grant.undoes === null && !grants.some(({ undoes }) => undoes === grant.id) &&
                undo(grant)}
            </li>
          ))}
        </ul>
      </details>
      {error && <Failed what="change the minutes" error={error} />}
    </div>
  );
}

function Alerts() {
  return (
    <div class="segments" role="group" aria-label="Alerts">
      {permission.value && (
        <button
          type="button"
          disabled={permission.value === "denied"}
          aria-pressed={notifies.value}
          onClick={() => void toggleNotifications()}
        >
          Notify me
        </button>
      )}
      <button type="button" aria-pressed={sounds.value} onClick={toggleSound}>Sound</button>
    </div>
  );
}

function signed(minutes: number): string {
  return `${minutes < 0 ? "−" : "+"}${duration(Math.abs(minutes))}`;
}
