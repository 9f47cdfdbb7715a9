/** The page's entry, run by the browser. @module */
import { render } from "preact";
import { project, resumeSession } from "./live/cloud.ts";
import { follow } from "./live/follow.ts";
import { followRemote } from "./live/remote.ts";
import { link } from "./live/state.ts";
import { App } from "./views/app.tsx";

render(<App />, document.querySelector("#app")!);
if (project?.agent === false) link.value = "offline";
else void follow();
followRemote();
void resumeSession();
// Absent where the page comes over plain HTTP from another machine.
void navigator.serviceWorker?.register("sw.js").catch(() => {});
