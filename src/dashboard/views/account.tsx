/** Signing in to the cloud, for when the agent is out of reach, and out again. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { account, signInToCloud, signOut } from "../live/cloud.ts";
import { useAction } from "../live/hooks.ts";
import { Dialog } from "./dialog.tsx";
import { Failed } from "./parts.tsx";

/** In the page's foot: who is signed in, or a button to do so. */
export function AccountLine(): VNode {
  const open = useSignal(false);
  const action = useAction();
  if (account.value !== null) {
    return (
      <p class="account">
        Cloud: {account.value}{" "}
        <button type="button" disabled={action.busy} onClick={() => void action.run(signOut)}>
          Sign out
        </button>
      </p>
    );
  }
  return (
    <p class="account">
      <button type="button" onClick={() => void (open.value = true)}>Sign in to the cloud</button>
      {open.value && (
        <Dialog title="Sign in to the cloud" close={() => void (open.value = false)}>
          <p>
            Then this page shows what the cloud has while the agent is out of reach. The sign-in
            stays in this browser; the agent never has it.
          </p>
          <AccountForm />
        </Dialog>
      )}
    </p>
  );
}

/** E-mail and password. */
export function AccountForm(): VNode {
  const email = useSignal("");
  const password = useSignal("");
  const action = useAction();
  const submit = (event: Event) => {
    event.preventDefault();
    void action.run(() => signInToCloud(email.value.trim(), password.value));
  };
  return (
    <form class="tools" onSubmit={submit}>
      <label class="grow">
        <span>E-mail</span>
        <input
          type="email"
          autocomplete="username"
          required
          value={email.value}
          onInput={({ currentTarget }) => void (email.value = currentTarget.value)}
        />
      </label>
      <label class="grow">
        <span>Password</span>
        <input
          type="password"
          autocomplete="current-password"
          required
          value={password.value}
          onInput={({ currentTarget }) => void (password.value = currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary" disabled={action.busy}>Sign in</button>
      {action.error && <Failed what="sign in" error={action.error} />}
    </form>
  );
}
