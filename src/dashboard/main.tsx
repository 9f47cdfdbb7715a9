/** The page's entry, run by the browser. @module */
import { render } from "preact";
import { follow } from "./live/follow.ts";
import { App } from "./views/app.tsx";

render(<App />, document.querySelector("#app")!);
void follow();
