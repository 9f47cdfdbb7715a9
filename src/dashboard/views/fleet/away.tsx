/** The page without an agent: the sign-in, all machines of the account, or one of them. @module */
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { account, cloud, machine, resuming } from "../../live/cloud.ts";
import { AccountForm, AccountLine } from "../sign_in.tsx";
import { App, Mark } from "../app.tsx";
import { Card, Loading } from "../parts.tsx";
import { FleetPanel } from "./panel.tsx";

export function Away(): VNode {
  const { value: shown } = machine;
  const signedIn = account.value !== null && cloud.value;
  const inList = shown === null || !signedIn;
  useEffect(() => {
    if (inList) document.title = "Machines · ClockBlock";
  }, [inList]);
  if (!inList) return <App key={JSON.stringify(shown)} />;
  return (
    <>
      <header class="top">
        <div class="brand">
          <Mark />
          <h1>ClockBlock</h1>
        </div>
      </header>
      <main aria-label={signedIn ? "Machines" : "Sign in"}>
        {signedIn
          ? <FleetPanel fleet={signedIn.fleet} />
          : resuming.value
          ? <Loading kind="whole-screen" />
          : (
            <Card title="Sign in" kind="sign-in">
              <p>With the account of your machines.</p>
              <AccountForm />
            </Card>
          )}
      </main>
      {signedIn && (
        <footer class="foot">
          <AccountLine />
        </footer>
      )}
    </>
  );
}
