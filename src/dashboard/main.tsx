/** The page's entry, run by the browser. @module */
import { render } from "preact";
import { project, resumeSession } from "./live/cloud.ts";
import { followAddress } from "./live/machine.ts";
import { follow } from "./live/follow.ts";
import { followRemote } from "./live/remote.ts";
import { keepNothing } from "./live/kept.ts";
import { link } from "./live/state.ts";
import { App } from "./views/app.tsx";
import { Away } from "./views/fleet/away.tsx";

const root = document.querySelector("#app")!;
if (project?.agent === false) {
  keepNothing();
  followAddress();
  link.value = "offline";
  render(<Away />, root);
} else {
  render(<App />, root);
  void follow();
}
followRemote();
void resumeSession();
// Absent where the page comes over plain HTTP from another machine.
void navigator.serviceWorker?.register("sw.js").catch(() => {});
