/** Asks for the token, once, where the page was not loaded on the agent's own machine. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { openSession } from "../live/api.ts";
import { unlocked } from "../live/follow.ts";
import { useAction } from "../live/hooks.ts";
import { Card, Failed } from "./parts.tsx";

export function TokenForm(): VNode {
  const token = useSignal("");
  const action = useAction();
  const submit = (event: Event) => {
    event.preventDefault();
    void action.run(async () => {
      await openSession(token.value.trim());
      unlocked();
    });
  };
  return (
    <Card title="This agent asks who you are" kind="sign-in">
      <p>
        You are not on its own computer. Paste its token, which is in the file{" "}
        <code>api-token</code> beside its database. This browser is remembered until you close it.
      </p>
      <form class="tools" onSubmit={submit}>
        <label class="grow">
          <span>Token</span>
          <input
            type="password"
            autocomplete="current-password"
            required
            value={token.value}
            onInput={({ currentTarget }) => void (token.value = currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" disabled={action.busy}>Open</button>
      </form>
      {action.error && <Failed what="open the page" error={action.error} />}
    </Card>
  );
}
