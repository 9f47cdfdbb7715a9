/** Signing in: to the agent by its token, to the cloud by an account. @module */
import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { openSession } from "../live/api.ts";
import { account, signInToCloud, signOut } from "../live/cloud.ts";
import { unlocked } from "../live/follow.ts";
import { useAction } from "../live/hooks.ts";
import { Dialog } from "./dialog.tsx";
import { Form } from "./forms.tsx";
import { Card, Failed } from "./parts.tsx";

/** Asks for the token, once, where the page was not loaded on the agent's own machine. */
export function TokenForm(): VNode {
  const action = useAction();
  const open = async (token: string) => {
    await openSession(token);
    unlocked();
  };
  return (
    <Card title="This agent asks who you are" kind="sign-in">
      <p>
        You are not on its own computer. Paste its token, which is in the file{" "}
        <code>api-token</code> beside its database. This browser is remembered until you close it.
      </p>
      <Form submit={(text) => void action.run(() => open(text("token")))}>
        <label class="grow">
          <span>Token</span>
          <input name="token" type="password" autocomplete="current-password" required />
        </label>
        <button type="submit" class="primary" disabled={action.busy}>Open</button>
      </Form>
      {action.error && <Failed what="open the page" error={action.error} />}
    </Card>
  );
}

/** In the page's foot: who is signed in to the cloud, or a button to do so. */
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
  const action = useAction();
  const submit = (text: (name: string) => string, fields: FormData) =>
    void action.run(() => signInToCloud(text("email"), String(fields.get("password"))));
  return (
    <Form submit={submit}>
      <label class="grow">
        <span>E-mail</span>
        <input name="email" type="email" autocomplete="username" required />
      </label>
      <label class="grow">
        <span>Password</span>
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
      <button type="submit" class="primary" disabled={action.busy}>Sign in</button>
      {action.error && <Failed what="sign in" error={action.error} />}
    </Form>
  );
}
